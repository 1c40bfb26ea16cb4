package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// libsluice's client, as a process that speaks lines (examples/client.c); empty: there is none.
var lineClient string

type lines struct {
	in   io.WriteCloser
	said chan string
	cmd  *exec.Cmd
}

func (s *server) lines(id, key string) (*lines, error) {
	l := &lines{said: make(chan string, 100), cmd: exec.Command(lineClient, s.url(), id, key)}
	out, err := l.cmd.StdoutPipe()
	must(err)
	l.in, err = l.cmd.StdinPipe()
	must(err)
	l.cmd.Stderr = os.Stderr
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		for scan := bufio.NewScanner(out); scan.Scan(); {
			l.said <- scan.Text()
		}
		close(l.said)
	}()
	return l, nil
}

func (l *lines) say(format string, args ...any) {
	_, err := fmt.Fprintf(l.in, format+"\n", args...)
	must(err)
}

// The next line, which must begin so.
func (l *lines) expect(want string) error {
	select {
	case got, open := <-l.said:
		if !open || !strings.HasPrefix(got, want) {
			return fmt.Errorf("the client says %q, not %q", got, want)
		}
		return nil
	case <-time.After(5 * time.Second):
		return fmt.Errorf("the client does not say %q", want)
	}
}

func (l *lines) end() error {
	l.in.Close()
	return l.cmd.Wait()
}

func cClient(s *server) error {
	if lineClient == "" {
		return fmt.Errorf("no client=BINARY")
	}
	id, key, call, first, second := newID(), newKey(), newID(), newID(), newID()
	l, err := s.lines(id, key)
	if err != nil {
		return err
	}
	defer l.end()
	if err := l.expect("hello"); err != nil {
		return err
	}
	l.say("join %s user %s", call, first)
	l.say("join %s user %s", call, second)
	l.say("mute %s", first)
	n := s.node(id, key)
	all, err := n.sessions(call, 2)
	if err != nil {
		return err
	}
	if all[0].GroupID != id || all[0].UserID != "user" {
		return fmt.Errorf("listed as %+v", all[0])
	}
	l.say("leave %s", first)
	if err := l.expect("closed " + first); err != nil {
		return err
	}
	l.say(`sdp %s {"type":"offer","sdp":"none"}`, second)
	if err := l.expect("closed " + second); err != nil {
		return err
	}
	// It has registered already, and is known the next time; with another key it is not.
	again, err := s.lines(id, key)
	if err != nil {
		return err
	}
	if err := again.expect("hello"); err != nil {
		return err
	}
	if err := again.end(); err != nil {
		return err
	}
	wrong, err := s.lines(id, newKey())
	if err != nil {
		return err
	}
	if wrong.end() == nil {
		return fmt.Errorf("connected with another key")
	}
	return nil
}
