// SPDX-License-Identifier: GPL-2.0-only

// gopher - a Go program: arguments in Go's own registers, strings, methods, goroutines.
package main

import "fmt"

type Point struct {
	X, Y int
	Name string
}

//go:noinline
func add(n int, s string, p *Point) int {
	total := n * 2
	for i := 0; i < len(s); i++ {
		total += int(s[i])
	}
	p.X = total
	fmt.Println(n, s, total, p.X, p.Y) // @added
	return total
}

//go:noinline
func (p *Point) Move(dx int, done chan bool) {
	p.Y += dx
	done <- true
}

func main() {
	p := &Point{1, 2, "origin"}
	done := make(chan bool)
	for i := 0; i < 5; i++ {
		add(i, fmt.Sprintf("s%d", i), p)
		go p.Move(i, done)
		<-done
	}
}
