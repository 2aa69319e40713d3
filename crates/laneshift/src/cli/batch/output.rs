//! Where answers go: looked at before anything is accepted, because afterwards it is paid for.

use std::fs::{self, File};
use std::path::Path;

use laneshift_batch::{errors_path, part_path};

use crate::error::Error;

/// Refuses an output that is the input, that is there already, or that cannot be written.
pub(crate) fn check(input: &Path, output: &Path, overwrite: bool) -> Result<(), Error> {
    let argument = |reason: String| Error::Argument { what: "--output".to_owned(), reason };
    let failed = |e: std::io::Error| argument(format!("{} cannot be written: {e}", output.display()));
    for path in [output, &errors_path(output)] {
        let Ok(there) = fs::metadata(path) else { continue };
        if !there.is_file() {
            return Err(argument(format!("{} is no file", path.display())));
        }
        if is_same(input, path) {
            return Err(argument(format!("{} is the input, and would be written over", path.display())));
        }
        if !overwrite {
            return Err(Error::Refused {
                what: format!("{} is there already", path.display()),
                hint: "--overwrite replaces it; another --output leaves it".to_owned(),
            });
        }
    }
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let part = part_path(output);
    File::create(&part).map_err(failed)?;
    fs::remove_file(part).map_err(failed)
}

/// Whether two paths are one file, by whatever name.
fn is_same(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).ok().is_some_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}
