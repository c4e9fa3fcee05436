//! Labels: the classes of a dataset.

use va_app::labels;
use va_domain::{DatasetId, Label, LabelId, Page, Role};

use crate::command::{Command, Method};
use crate::wire::{Done, done, request};

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
            |app, _, q| labels::list(app, q.id).map(Page::whole),
        ),
        Command::new::<LabelCreateRequest, Label>(
            "label_create",
            Post,
            "/datasets/{id}/labels",
            Role::Annotator,
            "Add a label",
            |app, actor, q| labels::create(app, actor, q.id, &q.name, q.color.as_deref()),
        ),
        Command::new::<LabelUpdateRequest, Label>(
            "label_update",
            Put,
            "/labels/{id}",
            Role::Annotator,
            "Rename or recolour a label",
            |app, actor, q| labels::update(app, actor, q.id, q.name.as_deref(), q.color.as_deref()),
        ),
        Command::new::<LabelMergeRequest, Label>(
            "label_merge",
            Post,
            "/labels/{id}/merge",
            Role::Reviewer,
            "Give all samples of a label to another one and remove it",
            |app, actor, q| labels::merge(app, actor, q.id, q.into),
        ),
        Command::new::<LabelRequest, Done>(
            "label_delete",
            Delete,
            "/labels/{id}",
            Role::Reviewer,
            "Remove a label with its annotations",
            |app, actor, q| done(labels::delete(app, actor, q.id)),
        ),
    ]
}
