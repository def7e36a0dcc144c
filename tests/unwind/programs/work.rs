// Rust, until it is killed: iterators and closures, maps, formatting, threads, and panics that are caught.
use std::collections::{BTreeMap, HashMap};
use std::panic;

fn texts(n: usize) -> usize {
    let mut words: HashMap<String, Vec<usize>> = HashMap::new();
    for i in 0..50 {
        words.entry(format!("{:>8}-{:.3}", i * n % 17, i as f64 / 7.0)).or_default().push(i);
    }
    let mut sorted: Vec<_> = words.iter().map(|(word, at)| (word.len() + at.len(), word.clone())).collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1));
    let tree: BTreeMap<_, _> = sorted.into_iter().map(|(n, word)| (word, n)).collect();
    tree.values().sum()
}

#[inline(never)]
fn fall(n: usize) -> usize {
    let name = format!("name {}", n);
    if n == 0 {
        panic!("{}", name);
    }
    fall(n - 1) + name.len()
}

fn work() {
    let mut sum = 0usize;
    for i in 0.. {
        sum = sum.wrapping_add(texts(i));
        if panic::catch_unwind(|| fall(i % 20)).is_err() {
            sum += 1;
        }
        std::hint::black_box(sum);
    }
}

fn main() {
    panic::set_hook(Box::new(|_| {}));
    std::thread::spawn(work);
    work();
}
