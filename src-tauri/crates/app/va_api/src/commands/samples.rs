//! Samples, their classes, splits and annotations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_app::import::{self, OneImage};
use va_app::{App, annotations, history, samples, staging};
use va_domain::{
    Actor, Annotation, AnnotationId, DatasetId, Geometry, HistoryState, LabelId, LabelMode, LabelledState, Page, Role,
    Sample, SampleFilter, SampleId, SampleSort, SampleWindow, Split,
};
use va_error::{Error, Result};

use crate::command::{Command, Method};
use crate::wire::{Done, absent_or_null, done, page, request};

request! {
    SampleListRequest {
        dataset_id: DatasetId,
        /// Any of these classes.
        #[serde(default)] label_ids: Vec<LabelId>,
        /// Any of these splits.
        #[serde(default)] splits: Vec<Split>,
        /// Also those in no split.
        #[serde(default)] no_split: bool,
        state: Option<LabelledState>,
        /// Part of the name, case-insensitive.
        #[serde(default)] search: String,
        #[serde(default)] sort: SampleSort,
        limit: Option<u32>,
        cursor: Option<String>,
    }
    SampleWindowRequest {
        dataset_id: DatasetId,
        #[serde(default)] filter: SampleFilter,
        #[serde(default)] sort: SampleSort,
        /// Position of the first one wanted, from 0.
        #[serde(default)] offset: u64,
        /// At most 500; 100 without it.
        limit: Option<u32>,
    }
    SamplePositionRequest {
        dataset_id: DatasetId,
        #[serde(default)] filter: SampleFilter,
        #[serde(default)] sort: SampleSort,
        sample_id: SampleId,
    }
    SampleRequest { id: SampleId }
    /// Exactly one of `path` and `upload_id`.
    SampleCreateRequest {
        dataset_id: DatasetId,
        /// An image on this machine.
        path: Option<String>,
        /// What `POST /uploads` gave for one image; it is used up.
        upload_id: Option<String>,
        /// The file's name without it.
        name: Option<String>,
        label_id: Option<LabelId>,
        split: Option<Split>,
    }
    SampleUpdateRequest {
        id: SampleId,
        name: Option<String>,
        /// Null takes it out of every split; absent leaves it.
        #[serde(default, deserialize_with = "absent_or_null", skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Split>")]
        split: Option<Option<Split>>,
    }
    SamplesRequest { sample_ids: Vec<SampleId> }
    SamplesSetLabelRequest {
        sample_ids: Vec<SampleId>,
        /// Null takes the class away, or says that the image shows none: see `mode`.
        label_id: Option<LabelId>,
        /// What it does to the classes that the samples have.
        #[serde(default)] mode: LabelMode,
    }
    SamplesSetSplitRequest {
        sample_ids: Vec<SampleId>,
        /// Null takes them out of every split.
        split: Option<Split>,
    }
    AnnotationCreateRequest {
        /// The sample.
        id: SampleId,
        label_id: Option<LabelId>,
        geometry: Geometry,
    }
    AnnotationUpdateRequest {
        id: SampleId,
        annotation_id: AnnotationId,
        /// Null takes the class away; absent leaves it.
        #[serde(default, deserialize_with = "absent_or_null", skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<LabelId>")]
        label_id: Option<Option<LabelId>>,
        geometry: Option<Geometry>,
    }
    AnnotationRequest { id: SampleId, annotation_id: AnnotationId }
}

impl SampleListRequest {
    fn filter(&self) -> SampleFilter {
        SampleFilter {
            label_ids: self.label_ids.clone(),
            splits: self.splits.clone(),
            no_split: self.no_split,
            state: self.state,
            search: self.search.clone(),
        }
    }
}

impl SampleCreateRequest {
    fn create(self, app: &App, actor: &Actor) -> Result<Sample> {
        let path = match (&self.path, &self.upload_id) {
            (Some(path), None) => std::path::absolute(path)?,
            (None, Some(upload)) => staging::only_file(app, upload)?,
            _ => return Err(Error::invalid("say which image with exactly one of path and upload_id")),
        };
        let (dataset, label) = (self.dataset_id, self.label_id);
        let image = OneImage { dataset, path, name: self.name, label, split: self.split };
        let sample = import::one(app, actor, &image);
        if let Some(upload) = &self.upload_id {
            staging::release(app, upload);
        }
        sample
    }
}

/// Where a sample stands in a sorted and filtered dataset; null when the filter leaves it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SamplePosition {
    pub offset: Option<u64>,
}

/// Deletes samples and says what undo would do now.
fn delete(app: &App, actor: &Actor, ids: &[SampleId]) -> Result<HistoryState> {
    let first = ids.first().ok_or_else(|| Error::invalid("no sample was chosen"))?;
    let dataset = samples::get(app, *first)?.dataset_id;
    samples::delete(app, actor, ids)?;
    history::get(app, dataset)
}

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Delete, Get, Post, Put};
    vec![
        Command::new::<SampleListRequest, Page<Sample>>(
            "sample_list",
            Get,
            "/samples",
            Role::Viewer,
            "Samples of a dataset, filtered and sorted, page by page",
            |app, _, q| {
                let page = page(q.limit, q.cursor.clone());
                samples::list(app, q.dataset_id, &q.filter(), q.sort, &page)
            },
        ),
        Command::new::<SampleCreateRequest, Sample>(
            "sample_create",
            Post,
            "/samples",
            Role::Annotator,
            "Add one image; over HTTP also as the body, with the fields in the query",
            |app, actor, q| q.create(app, actor),
        ),
        Command::new::<SampleWindowRequest, SampleWindow>(
            "sample_window",
            Post,
            "/samples/window",
            Role::Viewer,
            "Any stretch of the filtered and sorted samples",
            |app, _, q| {
                let limit = page(q.limit, None).checked_limit()?;
                samples::window(app, q.dataset_id, &q.filter, q.sort, q.offset, limit)
            },
        ),
        Command::new::<SamplePositionRequest, SamplePosition>(
            "sample_position",
            Post,
            "/samples/position",
            Role::Viewer,
            "Where a sample stands among the filtered and sorted samples",
            |app, _, q| {
                let offset = samples::position(app, q.dataset_id, &q.filter, q.sort, q.sample_id)?;
                Ok(SamplePosition { offset })
            },
        ),
        Command::new::<SampleRequest, Sample>(
            "sample_get",
            Get,
            "/samples/{id}",
            Role::Viewer,
            "One sample",
            |app, _, q| samples::get(app, q.id),
        ),
        Command::new::<SampleUpdateRequest, Sample>(
            "sample_update",
            Put,
            "/samples/{id}",
            Role::Annotator,
            "Rename a sample or move it to a split",
            |app, actor, q| samples::update(app, actor, q.id, q.name.as_deref(), q.split),
        ),
        Command::new::<SampleRequest, Done>(
            "sample_delete",
            Delete,
            "/samples/{id}",
            Role::Annotator,
            "Delete a sample; undo brings it back",
            |app, actor, q| done(samples::delete(app, actor, &[q.id])),
        ),
        Command::new::<SamplesRequest, HistoryState>(
            "samples_delete",
            Post,
            "/samples/delete",
            Role::Annotator,
            "Delete samples in one undoable step",
            |app, actor, q| delete(app, actor, &q.sample_ids),
        ),
        Command::new::<SamplesSetLabelRequest, HistoryState>(
            "samples_set_label",
            Post,
            "/samples/label",
            Role::Annotator,
            "Set, add or clear the class of samples in one undoable step",
            |app, actor, q| samples::set_label(app, actor, &q.sample_ids, q.label_id, q.mode),
        ),
        Command::new::<SamplesSetSplitRequest, HistoryState>(
            "samples_set_split",
            Post,
            "/samples/split",
            Role::Annotator,
            "Set or clear the split of samples in one undoable step",
            |app, actor, q| samples::set_split(app, actor, &q.sample_ids, q.split),
        ),
        Command::new::<SampleRequest, Page<Annotation>>(
            "annotation_list",
            Get,
            "/samples/{id}/annotations",
            Role::Viewer,
            "Annotations of a sample, all on one page",
            |app, _, q| annotations::list(app, q.id).map(Page::whole),
        ),
        Command::new::<AnnotationCreateRequest, Annotation>(
            "annotation_create",
            Post,
            "/samples/{id}/annotations",
            Role::Annotator,
            "Add an annotation",
            |app, actor, q| annotations::create(app, actor, q.id, q.label_id, &q.geometry),
        ),
        Command::new::<AnnotationUpdateRequest, Annotation>(
            "annotation_update",
            Put,
            "/samples/{id}/annotations/{annotation_id}",
            Role::Annotator,
            "Change an annotation",
            |app, actor, q| annotations::update(app, actor, q.id, q.annotation_id, q.label_id, q.geometry.as_ref()),
        ),
        Command::new::<AnnotationRequest, Done>(
            "annotation_delete",
            Delete,
            "/samples/{id}/annotations/{annotation_id}",
            Role::Annotator,
            "Remove an annotation",
            |app, actor, q| done(annotations::delete(app, actor, q.id, q.annotation_id)),
        ),
    ]
}
