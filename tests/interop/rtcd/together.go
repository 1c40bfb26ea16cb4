package main

import (
	"errors"
	"sync"
)

// Does all of it, some at a time, and tells what failed.
func together(count int, do func(i int) error) error {
	const atATime = 8
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
