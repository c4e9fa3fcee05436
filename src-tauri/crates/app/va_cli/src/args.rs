//! What can be typed. The doc comments are the help texts.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use va_domain::{ExportFormat, ImportFormat, JobKind, JobState, ModelExportFormat, ModelPrecision, Split};

use crate::train_args::TrainArgs;

/// Visual AI studio: a folder of images in, a verified model out.
#[derive(Debug, Parser)]
#[command(name = "visaion", version, arg_required_else_help = true)]
pub struct Args {
    /// The library's folder; without it ~/VisAIon
    #[arg(long, global = true, env = "VISAION_LIBRARY", value_name = "DIR")]
    pub library: Option<PathBuf>,
    /// Print one JSON document; the field names are those of the REST interface
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import the bundled sample, train, evaluate, export and verify: the whole road in minutes
    Quickstart {
        /// Write the ONNX file into this folder as well
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Projects
    #[command(subcommand)]
    Project(ProjectCommand),
    /// Datasets: images with their classes and splits
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// Train a model on a dataset, and wait for it
    Train(Box<TrainArgs>),
    /// Measure a model on a split of the data it was trained from
    Evaluate {
        /// NAME, NAME@VERSION or an id
        model: String,
        #[arg(long, default_value = "test", value_enum)]
        split: SplitArg,
    },
    /// Say the class of images; of a multi-label model all classes
    Predict {
        /// NAME, NAME@VERSION or an id
        model: String,
        /// Multi-label: from which probability on a class is given, 0 to 1 (0.5 without it)
        #[arg(long, value_name = "X")]
        threshold: Option<f32>,
        /// Images or folders
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Show where in an image a model sees a class (Grad-CAM), as a picture
    Explain {
        /// NAME, NAME@VERSION or an id
        model: String,
        /// An image file
        image: PathBuf,
        /// The class to look for; without it the most probable one
        #[arg(long, value_name = "NAME")]
        class: Option<String>,
        /// The layer to look at; without it the last one that still knows where things are
        #[arg(long, value_name = "NAME")]
        layer: Option<String>,
        /// How much the colours cover the image, 0 to 1
        #[arg(long, default_value_t = 0.6)]
        opacity: f32,
        /// The PNG to write
        #[arg(long, value_name = "FILE.png")]
        out: PathBuf,
    },
    /// Write a model as a file and prove that it gives the same results
    Export {
        /// NAME, NAME@VERSION or an id
        model: String,
        #[arg(long, default_value = "onnx", value_enum)]
        format: ModelFormatArg,
        /// fp16 halves the file; its certificate allows a larger difference and says so
        #[arg(long, default_value = "fp32", value_enum)]
        precision: PrecisionArg,
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Pretrained weights to start a training from
    #[command(subcommand)]
    Weights(WeightsCommand),
    /// NVIDIA's libraries that training on an NVIDIA GPU needs
    #[command(subcommand)]
    GpuPack(GpuPackCommand),
    /// Background work
    #[command(subcommand)]
    Job(JobCommand),
    /// CPU, memory, GPUs and storage now
    Resources,
    /// Write a ZIP for a bug report: versions, log, statistics; no images
    Diagnostics {
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Serve the application to a browser on this machine
    Start(StartArgs),
    /// Whether the service is running, with an address that signs a browser in
    Status {
        /// Also print the password with which programs sign in
        #[arg(long)]
        show_password: bool,
    },
    /// Stop the service; running jobs checkpoint and go on next time
    Stop,
}

#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Make a project
    Create {
        name: String,
        #[arg(long, default_value = "")]
        description: String,
        #[arg(long, default_value = "classification", value_enum)]
        task: TaskArg,
        /// Also make an empty dataset of the same name
        #[arg(long)]
        with_dataset: bool,
    },
    /// All projects
    List,
    /// One project with its datasets and models
    Show {
        /// A name or an id
        project: String,
    },
    /// Delete a project; its datasets and models stay
    Delete {
        /// A name or an id
        project: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum DatasetCommand {
    /// Make an empty dataset
    Create {
        name: String,
        #[arg(long, default_value = "")]
        description: String,
        /// Link it to this project (a name or an id)
        #[arg(long)]
        project: Option<String>,
    },
    /// All datasets
    List,
    /// One dataset: counts by class and split, frozen versions
    Show {
        /// A name or an id
        dataset: String,
    },
    /// Delete a dataset
    Delete {
        /// A name or an id
        dataset: String,
        /// Although models were trained on it; what they need stays
        #[arg(long)]
        force: bool,
    },
    /// Import images from a folder; originals are copied and left alone
    Import {
        /// A folder; or a CSV file with labels, of which the images that it names come in
        dir: PathBuf,
        /// A name or an id; a new name makes a dataset
        #[arg(long)]
        dataset: String,
        #[arg(long, default_value = "auto", value_enum)]
        format: ImportFormatArg,
        /// An image that lies in the folders of several classes, or that a CSV file gives several, gets all of them
        #[arg(long)]
        several_classes: bool,
        /// What stands between the classes in a cell of a CSV file; auto looks at them where --several-classes is given
        #[arg(long, default_value = "auto", value_enum)]
        class_separator: ClassSeparatorArg,
        /// Only say what would be done
        #[arg(long)]
        preview: bool,
    },
    /// Write the labels as CSV, or the images as a folder a class
    Export {
        /// A name or an id
        dataset: String,
        #[arg(long, value_enum)]
        format: ExportFormatArg,
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Split into train, validation and test: stratified by class, the same seed gives the same split
    Split {
        /// A name or an id
        dataset: String,
        /// Share of training, 0 to 1
        #[arg(long, default_value_t = 0.7)]
        train: f64,
        /// Share of validation, 0 to 1
        #[arg(long, default_value_t = 0.15)]
        val: f64,
        /// Share of test, 0 to 1
        #[arg(long, default_value_t = 0.15)]
        test: f64,
        #[arg(long, default_value_t = 42)]
        seed: u64,
        /// Leave samples that already are in a split where they are
        #[arg(long)]
        only_unsplit: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum WeightsCommand {
    /// The catalogue of published weights and own files, and which are installed
    List,
    /// Install a safetensors or PyTorch file; nothing in it is executed
    Install {
        file: PathBuf,
        /// Of the catalogue (the file must be that one), or a name for an own file
        #[arg(long)]
        name: Option<String>,
        /// Licence of an own file, kept with what is trained from it
        #[arg(long)]
        licence: Option<String>,
    },
    /// Download published weights and verify them; shows the licence first
    Download {
        name: String,
        /// Agree to the licence, without which nothing is fetched
        #[arg(long)]
        agree_licence: bool,
    },
    /// Remove installed weights or an unfinished download
    Remove { name: String },
}

#[derive(Debug, Subcommand)]
pub enum GpuPackCommand {
    /// What it is made of and whether it is installed
    Show,
    /// Install it for this user, from files or by a download; every file is verified first
    Install {
        /// One of NVIDIA's wheels, a folder of them, or a ZIP file that holds them
        #[arg(long, value_name = "PATH")]
        from: Option<PathBuf>,
        /// Agree to NVIDIA's licences, without which nothing is fetched
        #[arg(long, conflicts_with = "from")]
        agree_licence: bool,
    },
    /// Read every byte of the installed libraries and compare
    Verify,
    /// Remove it, or an unfinished download
    Remove,
}

#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Jobs, newest first
    List {
        #[arg(long, value_enum)]
        kind: Option<JobKindArg>,
        #[arg(long, value_enum)]
        state: Option<JobStateArg>,
    },
    /// One job
    Show { id: String },
    /// Stop a job for good
    Cancel { id: String },
    /// Let a stopped job go on from its checkpoint
    Resume { id: String },
}

#[derive(Debug, ClapArgs)]
pub struct StartArgs {
    /// Without it 7421, or a free one when that is taken
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Do not open a browser
    #[arg(long)]
    pub no_browser: bool,
    /// Stay in this terminal instead of running in the background
    #[arg(long)]
    pub foreground: bool,
    /// Keep the password in a file although this machine has a keyring
    #[arg(long, env = "VISAION_NO_KEYRING")]
    pub no_keyring: bool,
}

/// Makes a domain enum choosable by its name on the wire.
macro_rules! choices {
    ($($name:ident => $domain:ident { $($variant:ident),+ })+) => {$(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        #[value(rename_all = "snake_case")]
        pub enum $name { $($variant),+ }

        impl From<$name> for $domain {
            fn from(chosen: $name) -> Self {
                match chosen { $($name::$variant => $domain::$variant),+ }
            }
        }
    )+};
}

use va_domain::{ClassBalance, ClassSeparator, DeviceChoice, Optimiser, Precision, ScheduleKind, Task};

choices! {
    SplitArg => Split { Train, Val, Test }
    ModelFormatArg => ModelExportFormat { Onnx }
    PrecisionArg => ModelPrecision { Fp32, Fp16 }
    ImportFormatArg => ImportFormat { Auto, Folders, Masks, Csv, Plain }
    ClassSeparatorArg => ClassSeparator { Auto, Semicolon, Bar, Comma, Space, None }
    ExportFormatArg => ExportFormat { Csv, Folders }
    DeviceArg => DeviceChoice { Auto, Cpu, Cuda }
    TrainPrecisionArg => Precision { F32, Bf16 }
    OptimiserArg => Optimiser { AdamW, Sgd }
    ScheduleArg => ScheduleKind { Cosine, OneCycle, Step, Plateau }
    ClassBalanceArg => ClassBalance { None, Weights, Sampling }
    JobKindArg => JobKind {
        Import, DatasetExport, Train, Evaluate, ModelExport, WeightsInstall, WeightsDownload, GpuPackInstall, GpuPackDownload,
        GpuPackVerify
    }
    JobStateArg => JobState { Queued, Running, Paused, Interrupted, Succeeded, Failed, Cancelled }
}

/// By hand, for the spelling with a hyphen beside the word on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum TaskArg {
    /// One class an image
    Classification,
    /// Any number of classes an image, or none
    #[value(alias = "multilabel-classification", alias = "multilabel")]
    MultilabelClassification,
}

impl From<TaskArg> for Task {
    fn from(chosen: TaskArg) -> Self {
        match chosen {
            TaskArg::Classification => Self::Classification,
            TaskArg::MultilabelClassification => Self::MultilabelClassification,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        super::Args::command().debug_assert();
    }
}
