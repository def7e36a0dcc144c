//! Labels in Rust: the C API, and a guard that restores them when it goes out of scope.
//!
//!     rustc -O -g labels.rs -L build -l sonde -C link-arg=-Wl,-rpath,build
//!     ./labels 10 &
//!     sonde -top -tagfocus=endpoint=upload $!

use std::ffi::CString;
use std::os::raw::c_char;
use std::time::Duration;

extern "C" {
    fn sonde_labels_with(base: u32, key: *const c_char, value: *const c_char) -> u32;
    fn sonde_labels_current() -> u32;
    fn sonde_labels_set(labels: u32) -> u32;
}

/// While it lives, the thread has this label too.
struct Label {
    before: u32,
}

impl Label {
    fn new(key: &str, value: &str) -> Label {
        let (key, value) = (CString::new(key).unwrap(), CString::new(value).unwrap());
        unsafe {
            let labels = sonde_labels_with(sonde_labels_current(), key.as_ptr(), value.as_ptr());
            Label { before: sonde_labels_set(labels) }
        }
    }
}

impl Drop for Label {
    fn drop(&mut self) {
        unsafe { sonde_labels_set(self.before) };
    }
}

#[inline(never)]
fn upload(kept: &mut Vec<Vec<u8>>) {
    let _label = Label::new("endpoint", "upload");
    kept.push(vec![1; 4 << 20]);
}

#[inline(never)]
fn list(kept: &mut Vec<Vec<u8>>) {
    let _label = Label::new("endpoint", "list");
    kept.push(vec![2; 1 << 20]);
}

fn main() {
    let seconds = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(1.0);
    let mut kept = Vec::new();
    for _ in 0..10 {
        upload(&mut kept);
        list(&mut kept);
    }
    std::thread::sleep(Duration::from_secs_f64(seconds));
    println!("{} blocks", kept.len());
}
