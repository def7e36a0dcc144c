// Source names without parts of them.
#ifndef OBJECT_SIMPLIFY_H
#define OBJECT_SIMPLIFY_H

#include "base/arena.h"

// C++: without the arguments of templates.  "std::vector<int>::push_back" becomes
// "std::vector::push_back".
struct str simplify_templates(struct str name, struct arena *a);

// C++: without the parameters of the functions that a local name is inside of.
// "f(int) const::{lambda(char)#1}::operator()" becomes "f() const::{lambda(char)#1}::operator()".
struct str simplify_enclosing(struct str name, struct arena *a);

// C++: with a blank between brackets that close templates, as C++98 had to have it.
struct str simplify_brackets(struct str name, struct arena *a);

// C++: without what a compiler adds for a part or a copy of a function: " [clone .cold]".
struct str simplify_clones(struct str name);

// C++: "a::B::C", a constructor of C that B inherited, becomes "a::B::B".
struct str simplify_constructor(struct str name, struct arena *a);

// Rust: without generic arguments.  "<a::B<C> as d::E>::f::<G>" becomes "<a::B<> as d::E>::f::<>".
struct str simplify_generics(struct str name, struct arena *a);

// D: without parameters, and without the arguments of templates unless they are to be kept.
// "a.b!(int).c(char)" becomes "a.b.c", or "a.b!(int).c".
struct str simplify_d(struct str name, bool keep_templates, struct arena *a);

// Without what is between the outermost pairs of open and close, and them; as it is when there is a
// close too many.
struct str simplify_pairs(struct str name, char open, char close, struct arena *a);

#endif
