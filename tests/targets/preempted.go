// SPDX-License-Identifier: GPL-2.0-only

// preempted - a Go program whose functions begin once more when it is interrupted: their stacks are checked.
package main

import (
	"fmt"
	"runtime"
)

//go:noinline
func step(n int) int {
	var b [400]byte
	b[n%400] = byte(n)
	return int(b[(n+1)%400]) + n
}

func main() {
	go func() {
		for {
			runtime.GC()
		}
	}()
	t := 0
	for i := 0; i < 100000; i++ {
		t += step(i)
	}
	fmt.Println(t)
}
