// Something of everything that Rust's debug information says differently: generics, closures, traits, modules, iterators, panics.
use std::collections::HashMap;
use std::fmt;

mod shapes {
    pub trait Shape {
        fn area(&self) -> f64;
        fn twice(&self) -> f64 {
            2.0 * self.area()
        }
    }

    pub struct Rectangle<T> {
        pub width: T,
        pub height: T,
    }

    impl<T: Copy + Into<f64>> Shape for Rectangle<T> {
        fn area(&self) -> f64 {
            self.width.into() * self.height.into()
        }
    }

    pub struct Circle(pub f64);

    impl Shape for Circle {
        fn area(&self) -> f64 {
            3.14159 * self.0 * self.0
        }
        fn twice(&self) -> f64 {
            self.area() + self.area()
        }
    }
}

use shapes::{Circle, Rectangle, Shape};

struct Words(Vec<String>);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for word in &self.0 {
            write!(f, "[{}]", word)?;
        }
        Ok(())
    }
}

fn sorted_words(text: &str) -> Words {
    let mut count: HashMap<String, usize> = HashMap::new();
    for word in text.split_whitespace() {
        *count.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    let mut words: Vec<String> = count.into_iter().map(|(word, n)| if n > 1 { format!("{}*{}", word, n) } else { word }).collect();
    words.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    Words(words)
}

#[inline(never)]
fn total(all: &[Box<dyn Shape>]) -> f64 {
    all.iter().map(|s| s.area() + s.twice()).sum()
}

fn main() {
    let text = std::env::args().collect::<Vec<_>>().join(" ");
    let all: Vec<Box<dyn Shape>> = vec![
        Box::new(Rectangle { width: text.len() as u32, height: 2 }),
        Box::new(Rectangle { width: 1.5f32, height: 2.5 }),
        Box::new(Circle(text.len() as f64)),
    ];
    println!("{} {}", sorted_words(&text), total(&all));
    let number: Result<i32, _> = text.parse::<i32>();
    std::process::exit(number.unwrap_or(0));
}
