//! Labels: the classes of a dataset.

use va_domain::{DatasetId, Label, LabelId, Page, Role};

use crate::command::{Command, Method};
use crate::wire::{Done, request};

request! {
    LabelListRequest { id: DatasetId }
    LabelCreateRequest {
        /// The dataset.
        id: DatasetId,
        name: String,
        /// `#rrggbb`; without it one is chosen.
        color: Option<String>,
    }
    LabelUpdateRequest { id: LabelId, name: Option<String>, color: Option<String> }
    LabelMergeRequest {
        id: LabelId,
        /// The label that stays and gets all samples.
        into: LabelId,
    }
    LabelRequest { id: LabelId }
}

pub(crate) fn commands() -> Vec<Command> {
    use Method::{Delete, Get, Post, Put};
    vec![
        Command::new::<LabelListRequest, Page<Label>>(
            "label_list",
            Get,
            "/datasets/{id}/labels",
            Role::Viewer,
            "Labels of a dataset by class index, all on one page",
        ),
        Command::new::<LabelCreateRequest, Label>(
            "label_create",
            Post,
            "/datasets/{id}/labels",
            Role::Annotator,
            "Add a label",
        ),
        Command::new::<LabelUpdateRequest, Label>(
            "label_update",
            Put,
            "/labels/{id}",
            Role::Annotator,
            "Rename or recolour a label",
        ),
        Command::new::<LabelMergeRequest, Label>(
            "label_merge",
            Post,
            "/labels/{id}/merge",
            Role::Reviewer,
            "Give all samples of a label to another one and remove it",
        ),
        Command::new::<LabelRequest, Done>(
            "label_delete",
            Delete,
            "/labels/{id}",
            Role::Reviewer,
            "Remove a label with its annotations",
        ),
    ]
}
