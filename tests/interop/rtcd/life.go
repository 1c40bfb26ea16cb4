package main

import (
	"fmt"
	"strings"
	"syscall"
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

// What of clients outlives a server, however that ends: who is registered, and with which key; not their tokens.
func remembered(end func(s *server) error) func(s *server) error {
	return func(s *server) error {
		stays, goes := s.node(newID(), newKey()), s.node(newID(), newKey())
		for _, n := range []*node{stays, goes} {
			if err := n.Register(n.id, n.key); err != nil {
				return err
			}
		}
		token, err := s.token(stays.id, stays.key)
		if err != nil {
			return err
		}
		if err := goes.Unregister(goes.id); err != nil {
			return err
		}
		if err := end(s); err != nil {
			return err
		}
		if err := s.start(); err != nil {
			return err
		}
		if err := s.exchanges([]exchange{
			{"GET", "/calls/c/sessions", "Bearer " + token, "", 401, "unauthorized\n"},
			{"GET", "/calls/c/sessions", basic(stays.id, stays.key), "",
				404, "failed to get session configs: group not found\n"},
			{"POST", "/register", "", credentials(stays.id, newKey()),
				400, failed(400, "registration failed: already registered")},
			{"POST", "/login", "", credentials(stays.id, newKey()), 400, failed(400, "login failed: authentication failed")},
			{"POST", "/login", "", credentials(goes.id, goes.key), 400,
				failed(400, "login failed: authentication failed: error: not found")},
		}); err != nil {
			return err
		}
		_, err = s.token(stays.id, stays.key)
		return err
	}
}

func (s *server) stop() error {
	s.terminate()
	return s.wait(wait)
}

// A second server with the same store ends, and the first goes on.
func oneStore(s *server) error {
	n, call, session, err := s.joined()
	if err != nil {
		return err
	}
	second := *s
	second.port, second.media = freePort(), freePort()
	if err := second.start(); err == nil {
		second.terminate()
		_ = second.wait(wait)
		return fmt.Errorf("it starts")
	}
	if status := second.cmd.ProcessState.ExitCode(); status != 1 {
		return fmt.Errorf("it ends with %d", status)
	}
	if _, err := n.sessions(call, 1); err != nil {
		return err
	}
	must(n.about("leave", session))
	if err := n.closed(session, wait); err != nil {
		return err
	}
	return n.Register(newID(), newKey())
}

// By the signal of a terminal, too; a session may be taken over by another node meanwhile.
func drainMoves(s *server) error {
	first, _, session, err := s.joined()
	if err != nil {
		return err
	}
	must(s.cmd.Process.Signal(syscall.SIGINT))
	time.Sleep(500 * time.Millisecond)
	second, err := s.sibling(first)
	if err != nil {
		return err
	}
	must(first.Close())
	must(second.about("reconnect", session))
	must(second.about("leave", session))
	if err := second.closed(session, wait); err != nil {
		return err
	}
	if err := s.wait(wait); err != nil {
		return err
	}
	return s.start()
}

// A drain that is taken back: the last session leaves, and the server stays.
func drainNot(s *server) error {
	n, _, session, err := s.joined()
	if err != nil {
		return err
	}
	if status, _, err := s.ask("GET", "/health/ready", "", ""); err != nil || status != 200 {
		return fmt.Errorf("readiness is %d (%v)", status, err)
	}
	ready := func(want int) error {
		return until(wait, fmt.Sprintf("readiness is %d", want), func() bool {
			status, _, err := s.ask("GET", "/health/ready", "", "")
			return err == nil && status == want
		})
	}
	s.terminate()
	if err := ready(503); err != nil {
		return err
	}
	must(s.cmd.Process.Signal(syscall.SIGUSR2))
	if err := ready(200); err != nil {
		return err
	}
	must(n.about("leave", session))
	if err := n.closed(session, wait); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	if died := s.died(); died != "" {
		return fmt.Errorf("it has ended: %s", died)
	}
	return n.voices()
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
