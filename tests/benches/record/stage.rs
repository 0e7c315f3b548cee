//! What the rows share: the corpus, and each thing that is made of it once, when a row first asks for it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Fault;
use crate::bare_tantivy;
use crate::corpus::Corpus;
use crate::fts5::Database;
use crate::product::Product;
use crate::served::Installed;

/// Names the variable that says how often what is repeated is repeated.
const RUNS: &str = "MUNIMENT_BENCH_RUNS";
const RUNS_DEFAULT: usize = 3;

/// The corpus and what was made of it so far.
pub(crate) struct Stage {
    scratch: TempDir,
    corpus: Corpus,
    runs: usize,
    product: OnceCell<Product>,
    bare: OnceCell<bare_tantivy::Searcher>,
    database: OnceCell<Database>,
    installed: OnceCell<Installed>,
}

impl Stage {
    /// Reads the corpus.
    pub(crate) fn open(paths: Vec<PathBuf>) -> Result<Self, Fault> {
        let scratch = tempfile::tempdir()?;
        let runs = match std::env::var(RUNS) {
            Ok(text) => text.parse::<usize>()?.max(1),
            Err(_) => RUNS_DEFAULT,
        };
        Ok(Self {
            corpus: Corpus::load(paths, scratch.path())?,
            scratch,
            runs,
            product: OnceCell::new(),
            bare: OnceCell::new(),
            database: OnceCell::new(),
            installed: OnceCell::new(),
        })
    }

    /// Returns the corpus.
    pub(crate) const fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// Returns how often what is repeated is repeated.
    pub(crate) const fn runs(&self) -> usize {
        self.runs
    }

    /// Returns a folder on the disk that is measured. It goes with the process.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Returns the product with the corpus in it: imported, committed to the index.
    pub(crate) fn product(&self) -> Result<&Product, Fault> {
        if self.product.get().is_none() {
            let product = Product::create(&self.scratch().join("data"))?;
            product.import(&self.corpus.paths)?;
            self.keep_product(product);
        }
        self.product.get().ok_or_else(|| "the product was not kept".into())
    }

    /// Keeps a product that has the corpus in it for the rows to come.
    pub(crate) fn keep_product(&self, product: Product) {
        // Where there is one already, the newer one goes.
        self.product.set(product).ok();
    }

    /// Returns tantivy alone with the corpus in it.
    pub(crate) fn bare(&self) -> Result<&bare_tantivy::Searcher, Fault> {
        if self.bare.get().is_none() {
            let folder = self.bare_folder();
            std::fs::create_dir(&folder)?;
            self.keep_bare(&bare_tantivy::build(&folder, &self.corpus.lines, 1)?)?;
        }
        self.bare.get().ok_or_else(|| "the index was not kept".into())
    }

    /// Returns where tantivy alone lies.
    pub(crate) fn bare_folder(&self) -> PathBuf {
        self.scratch().join("bare")
    }

    /// Keeps an index of tantivy alone for the rows to come.
    pub(crate) fn keep_bare(&self, index: &tantivy::Index) -> Result<(), Fault> {
        self.bare.set(bare_tantivy::Searcher::open(index)?).ok();
        Ok(())
    }

    /// Returns the SQLite database with the corpus in it.
    pub(crate) fn database(&self) -> Result<&Database, Fault> {
        if self.database.get().is_none() {
            let database =
                Database::build(&self.scratch().join("fts5.sqlite"), &self.corpus.lines)?;
            self.database.set(database).ok();
        }
        self.database.get().ok_or_else(|| "the database was not kept".into())
    }

    /// Returns an archive with the corpus in it that the binary made, for rows that need a server.
    pub(crate) fn installed(&self) -> Result<&Installed, Fault> {
        if self.installed.get().is_none() {
            self.installed.set(Installed::create(self.scratch(), &self.corpus)?).ok();
        }
        self.installed.get().ok_or_else(|| "the archive was not kept".into())
    }

    /// Ends what was made, in order.
    pub(crate) fn close(mut self) -> Result<(), Fault> {
        self.product.take().map_or(Ok(()), Product::close)
    }
}
