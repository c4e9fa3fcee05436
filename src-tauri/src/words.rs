//! The few words that the shell itself says, before or outside the page.

pub struct Words {
    pub jobs_running: &'static str,
    pub keep_running: &'static str,
    pub stop_safely: &'static str,
    pub cancel: &'static str,
    pub open: &'static str,
    pub quit: &'static str,
}

const ENGLISH: Words = Words {
    jobs_running: "Work is still running. It can go on in the background, or stop now at a checkpoint and continue when VisAIon is opened again. Nothing is lost either way.",
    keep_running: "Keep running",
    stop_safely: "Stop at a checkpoint",
    cancel: "Do not close",
    open: "Open VisAIon",
    quit: "Stop and quit",
};

const CHINESE: Words = Words {
    jobs_running: "仍有任务在运行。可以让它在后台继续，也可以现在保存检查点并停止，下次打开 VisAIon 时继续。两种方式都不会丢失任何内容。",
    keep_running: "后台继续运行",
    stop_safely: "保存检查点并停止",
    cancel: "不关闭",
    open: "打开 VisAIon",
    quit: "停止并退出",
};

/// By the language of the settings; empty follows the system.
pub fn for_language(language: &str) -> &'static Words {
    let system = std::env::var("LANG").unwrap_or_default();
    let language = if language.is_empty() { system.as_str() } else { language };
    if language.starts_with("zh") { &CHINESE } else { &ENGLISH }
}

#[cfg(test)]
mod tests {
    use super::for_language;

    #[test]
    fn the_setting_decides_the_language() {
        assert_eq!(for_language("zh-CN").quit, "停止并退出");
        assert_eq!(for_language("en").quit, "Stop and quit");
    }
}
