//! Handles on the tables: [`Read`] for anyone, [`Tx`] only inside `transact`.

use std::cell::RefCell;
use std::ops::Deref;

use rusqlite::Connection;
use uuid::Uuid;
use va_domain::{Actor, DatasetId, Entity, now_ms};

use crate::changes::Changes;
use crate::table::{
    annotations, api_tokens, audit_log, dataset_versions, datasets, evaluations, job_events, jobs, labels, media,
    members, metrics, model_versions, models, op_log, predictions, projects, samples, sessions, settings, tags,
};

/// One consistent view of the library: everything read through it is of the same moment.
pub struct Read<'c> {
    pub(crate) conn: &'c Connection,
}

/// A change in progress. Reads through it see what it has written.
pub struct Tx<'t> {
    read: Read<'t>,
    actor: &'t Actor,
    at_ms: i64,
    changes: RefCell<Changes>,
}

macro_rules! handles {
    ($($read:ident => $module:ident :: $name:ident $(, $write:ident => $writer:ident)?;)+) => {
        impl Read<'_> {
            $(pub fn $read(&self) -> $module::$name<'_> { $module::$name { conn: self.conn } })+
        }
        impl Tx<'_> {
            $($(pub fn $write(&self) -> $module::$writer<'_> { $module::$writer { tx: self } })?)+
        }
    };
}

handles! {
    members => members::MembersRead, members_mut => MembersWrite;
    sessions => sessions::SessionsRead, sessions_mut => SessionsWrite;
    api_tokens => api_tokens::ApiTokensRead, api_tokens_mut => ApiTokensWrite;
    projects => projects::ProjectsRead, projects_mut => ProjectsWrite;
    datasets => datasets::DatasetsRead, datasets_mut => DatasetsWrite;
    labels => labels::LabelsRead, labels_mut => LabelsWrite;
    media => media::MediaRead, media_mut => MediaWrite;
    samples => samples::SamplesRead, samples_mut => SamplesWrite;
    tags => tags::TagsRead, tags_mut => TagsWrite;
    annotations => annotations::AnnotationsRead, annotations_mut => AnnotationsWrite;
    dataset_versions => dataset_versions::DatasetVersionsRead, dataset_versions_mut => DatasetVersionsWrite;
    models => models::ModelsRead, models_mut => ModelsWrite;
    model_versions => model_versions::ModelVersionsRead, model_versions_mut => ModelVersionsWrite;
    jobs => jobs::JobsRead, jobs_mut => JobsWrite;
    job_events => job_events::JobEventsRead, job_events_mut => JobEventsWrite;
    metrics => metrics::MetricsRead, metrics_mut => MetricsWrite;
    evaluations => evaluations::EvaluationsRead, evaluations_mut => EvaluationsWrite;
    predictions => predictions::PredictionsRead, predictions_mut => PredictionsWrite;
    settings => settings::SettingsRead, settings_mut => SettingsWrite;
    op_log => op_log::OpLogRead;
    audit_log => audit_log::AuditLogRead;
}

impl<'t> Tx<'t> {
    pub(crate) fn new(conn: &'t Connection, actor: &'t Actor) -> Self {
        Self { read: Read { conn }, actor, at_ms: now_ms(), changes: RefCell::default() }
    }

    /// The one time of this change, Unix milliseconds.
    pub fn at_ms(&self) -> i64 {
        self.at_ms
    }

    pub fn actor(&self) -> &Actor {
        self.actor
    }

    /// Says that an entity changed. Rows of undoable tables say so by themselves.
    pub(crate) fn touch(&self, entity: Entity, dataset: Option<DatasetId>, id: Uuid) {
        self.changes.borrow_mut().add(entity, dataset, id);
    }

    pub(crate) fn into_changes(self) -> Changes {
        self.changes.into_inner()
    }
}

impl<'t> Deref for Tx<'t> {
    type Target = Read<'t>;

    fn deref(&self) -> &Read<'t> {
        &self.read
    }
}
