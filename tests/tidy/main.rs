//! The rules of the house as tests: who may use whom, how long a file may be, what must never appear where.

mod absence;
mod documents;
mod floor_plan;
mod measure;
mod planted;
