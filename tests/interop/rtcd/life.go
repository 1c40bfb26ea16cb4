package main

import (
	"fmt"
	"strings"
	"time"
)

func restart(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	s.terminate()
	if err := s.wait(wait); err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	return n.comesBack()
}

// Waits until it is greeted again, whatever it hears before.
func (n *node) comesBack() error {
	for {
		hello, err := n.next("hello", wait)
		if err == nil {
			if hello["clientID"] != n.id {
				return fmt.Errorf("hello says %v", hello)
			}
			return nil
		}
		if strings.HasPrefix(err.Error(), "no hello") {
			return err
		}
	}
}

// A herd of clients that all lose their connections at once: the server dies, and another takes its place. All
// come back by themselves, each at the cost of a hash, and are served.
func herdReturns(s *server) error {
	const many = 50
	all := make([]*node, many)
	if err := together(many, func(i int) (err error) {
		all[i], err = s.connected()
		return err
	}); err != nil {
		return err
	}
	back := make(chan error, 1)
	go func() { back <- allAtOnce(many, func(i int) error { return all[i].comesBack() }) }()
	must(s.crash())
	if err := s.start(); err != nil {
		return err
	}
	if err := <-back; err != nil {
		return err
	}
	return allAtOnce(many, func(i int) error {
		n, call, session := all[i], newID(), newID()
		if err := n.join(call, session); err != nil {
			return err
		}
		if _, err := n.sessions(call, 1); err != nil {
			return err
		}
		if err := n.about("leave", session); err != nil {
			return err
		}
		if err := n.closed(session, wait); err != nil {
			return err
		}
		return n.Close()
	})
}

func drain(s *server) error {
	n, call, session, err := s.joined()
	if err != nil {
		return err
	}
	s.terminate()
	time.Sleep(1500 * time.Millisecond)
	if _, err := n.sessions(call, 1); err != nil {
		return fmt.Errorf("while draining: %w", err)
	}
	must(n.about("leave", session))
	if err := n.closed(session, wait); err != nil {
		return err
	}
	if err := s.wait(wait); err != nil {
		return err
	}
	return s.start()
}

// A call that runs may be joined while the server drains, and even a new one begun, which only the
// operator can prevent; what asks how it is sees a server that works.
func drainOpen(s *server) error {
	n, call, first, err := s.joined()
	if err != nil {
		return err
	}
	second, other := newID(), newID()
	s.terminate()
	time.Sleep(500 * time.Millisecond)
	must(n.join(call, second))
	if _, err := n.sessions(call, 2); err != nil {
		return fmt.Errorf("joining while draining: %w", err)
	}
	must(n.join(newID(), other))
	if status, _, err := s.ask("GET", "/version", "", ""); err != nil || status != 200 {
		return fmt.Errorf("version while draining: %d %v", status, err)
	}
	late, err := s.sibling(n)
	if err != nil {
		return fmt.Errorf("connecting while draining: %w", err)
	}
	must(late.Close())
	for _, session := range []string{first, other} {
		must(n.about("leave", session))
		if err := n.closed(session, wait); err != nil {
			return err
		}
	}
	must(n.about("leave", second))
	if err := s.wait(wait); err != nil {
		return err
	}
	return s.start()
}
