//! How a person names a model: `NAME` (its newest version), `NAME@3`, or an id of a model or of a version.

use uuid::Uuid;

/// A reference as it was written, before anything is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelReference {
    /// The id of a model (its newest version) or of a model version.
    Id(Uuid),
    /// `number` is `None` for the newest. `whole` is the text itself, because a name may hold `@3`.
    Name { name: String, number: Option<u32>, whole: String },
}

impl ModelReference {
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if let Ok(id) = Uuid::parse_str(text) {
            return Self::Id(id);
        }
        let whole = text.to_owned();
        let numbered = text.rsplit_once('@').and_then(|(name, number)| {
            let number = number.parse::<u32>().ok().filter(|number| *number > 0)?;
            Some((name.trim().to_owned(), number))
        });
        match numbered {
            Some((name, number)) if !name.is_empty() => Self::Name { name, number: Some(number), whole },
            _ => Self::Name { name: whole.clone(), number: None, whole },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, number: Option<u32>, whole: &str) -> ModelReference {
        ModelReference::Name { name: name.into(), number, whole: whole.into() }
    }

    #[test]
    fn names_numbers_and_ids_are_told_apart() {
        assert_eq!(ModelReference::parse("tiles"), named("tiles", None, "tiles"));
        assert_eq!(ModelReference::parse(" tiles@3 "), named("tiles", Some(3), "tiles@3"));
        let id = Uuid::now_v7();
        assert_eq!(ModelReference::parse(&id.to_string()), ModelReference::Id(id));
    }

    #[test]
    fn an_at_sign_without_a_version_number_belongs_to_the_name() {
        for text in ["a@b", "tiles@", "tiles@0", "@3", "tiles@-1", "tiles@99999999999"] {
            assert_eq!(ModelReference::parse(text), named(text, None, text), "{text}");
        }
        assert_eq!(ModelReference::parse("a@b@2"), named("a@b", Some(2), "a@b@2"));
    }
}
