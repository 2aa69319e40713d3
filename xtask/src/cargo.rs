//! The workspace as cargo sees it, and cargo as a child process.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};

/// The package set and features of every check and test. One set only: another would compile the dependencies again.
pub(crate) const EVERYTHING: [&str; 2] = ["--workspace", "--all-features"];

/// The workspace: where it lies, where cargo builds, which packages it has.
pub(crate) struct Workspace {
    pub(crate) metadata: Metadata,
}

impl Workspace {
    /// Asks cargo; dependencies outside of the workspace are left out.
    pub(crate) fn load() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(manifest_dir().join("Cargo.toml"))
            .no_deps()
            .exec()
            .context("failed to read the workspace's manifests")?;
        Ok(Self { metadata })
    }

    /// The folder of the workspace's manifest.
    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// A path under the folder where cargo builds.
    pub(crate) fn target(&self, path: &str) -> PathBuf {
        self.metadata.target_directory.as_std_path().join(path)
    }

    /// A cargo command in the workspace.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(args).current_dir(self.root());
        command
    }
}

/// Runs a command with this process's output; an exit code other than 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    eprintln!("+ {shown}");
    let status = command.status().with_context(|| format!("failed to start {shown}"))?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// A command as it would be typed.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The folder of this crate in the checkout that is worked on. Cargo says it at run time; what was compiled in may be
/// another checkout's, where both share a target folder.
fn manifest_dir() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}
