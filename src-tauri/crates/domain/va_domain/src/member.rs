use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::MemberId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Annotator,
    Reviewer,
    Owner,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    pub id: MemberId,
    pub username: String,
    pub role: Role,
    pub created_ms: i64,
}
