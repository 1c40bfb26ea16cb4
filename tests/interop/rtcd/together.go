package main

import (
	"errors"
	"sync"
)

// Does all of it, some at a time, and tells what failed.
func together(count int, do func(i int) error) error { return inTurns(count, 8, do) }

// The same, all of it at a time.
func allAtOnce(count int, do func(i int) error) error { return inTurns(count, count, do) }

func inTurns(count, atATime int, do func(i int) error) error {
	errs, free := make([]error, count), make(chan struct{}, atATime)
	var group sync.WaitGroup
	for i := range count {
		group.Add(1)
		free <- struct{}{}
		go func() {
			defer group.Done()
			errs[i] = do(i)
			<-free
		}()
	}
	group.Wait()
	return errors.Join(errs...)
}
