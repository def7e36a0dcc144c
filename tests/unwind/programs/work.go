// Go that calls C and is called back, until it is killed.
package main

/*
#cgo LDFLAGS: -lm
#include <math.h>
#include <stdlib.h>

extern int called(int);

static int by_value(const void *a, const void *b)
{
	double l = *(const double *)a, r = *(const double *)b;
	return (l > r) - (l < r);
}

static double sorted(int n)
{
	double values[512];
	for (int i = 0; i < 512; i++)
		values[i] = sin(i * 7919 + n);
	qsort(values, 512, sizeof(*values), by_value);
	return values[n % 512] + (n % 16 ? 0 : called(n));
}
*/
import "C"

import (
	"encoding/json"
	"sort"
	"strings"
)

//export called
func called(n C.int) C.int {
	return C.int(len(texts(int(n))))
}

func texts(n int) string {
	words := map[string]int{}
	for i := 0; i < 100; i++ {
		words[strings.Repeat("x", i%7)+string(rune('a'+i%26))] = i * n
	}
	keys := make([]string, 0, len(words))
	for word := range words {
		keys = append(keys, word)
	}
	sort.Strings(keys)
	text, _ := json.Marshal(words)
	return string(text) + keys[0]
}

func work() {
	sum := 0.0
	for n := 0; ; n++ {
		sum += float64(C.sorted(C.int(n)))
		sum += float64(len(texts(n)))
	}
}

func main() {
	go work()
	work()
}
