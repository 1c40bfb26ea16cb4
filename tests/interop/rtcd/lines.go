package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/rtcd/service"
	"github.com/mattermost/rtcd/service/rtc"
)

// libsluice's clients, and a server inside another process: programs that speak lines (examples/).
var lineClient, lineEcho, lineServer string

type lines struct {
	in   io.WriteCloser
	said chan string
	cmd  *exec.Cmd

	once  sync.Once
	heard chan service.ClientMessage
}

func (s *server) lines(id, key string) (*lines, error) {
	if lineClient == "" {
		return nil, fmt.Errorf("no client=BINARY")
	}
	return newLines(exec.Command(lineClient, s.url(), id, key))
}

func newLines(cmd *exec.Cmd) (*lines, error) {
	l := &lines{said: make(chan string, 100), cmd: cmd}
	out, err := l.cmd.StdoutPipe()
	must(err)
	l.in, err = l.cmd.StdinPipe()
	must(err)
	l.cmd.Stderr = os.Stderr
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		scan := bufio.NewScanner(out)
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
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
	case <-time.After(wait):
		return fmt.Errorf("the client does not say %q", want)
	}
}

var lineNames = map[rtc.MessageType]string{rtc.ICEMessage: "ice", rtc.SDPMessage: "sdp", rtc.MuteMessage: "mute",
	rtc.UnmuteMessage: "unmute", rtc.ScreenOnMessage: "screen_on", rtc.ScreenOffMessage: "screen_off",
	rtc.VoiceOnMessage: "voice_on", rtc.VoiceOffMessage: "voice_off", rtc.VideoOnMessage: "video_on",
	rtc.VideoOffMessage: "video_off"}

func (l *lines) send(m service.ClientMessage) error {
	switch data := m.Data.(type) {
	case map[string]any:
		l.say("%s %s %s %s", m.Type, data["callID"], data["userID"], data["sessionID"])
	case map[string]string:
		l.say("%s %s", m.Type, data["sessionID"])
	case rtc.Message:
		l.say("%s %s %s", lineNames[data.Type], data.SessionID, data.Data)
	default:
		return fmt.Errorf("no line for %T", data)
	}
	return nil
}

// The lines as messages of rtcd's client; from then on they are no lines any more.
func (l *lines) messages() <-chan service.ClientMessage {
	l.once.Do(func() {
		l.heard = make(chan service.ClientMessage, 100)
		go func() {
			for line := range l.said {
				kind, rest, _ := strings.Cut(line, " ")
				session, data, _ := strings.Cut(rest, " ")
				if kind == "closed" {
					l.heard <- service.ClientMessage{Type: "close", Data: map[string]string{"sessionID": session}}
				}
				for t, name := range lineNames {
					if name == kind {
						l.heard <- service.ClientMessage{Type: "rtc",
							Data: rtc.Message{SessionID: session, Type: t, Data: []byte(data)}}
					}
				}
			}
			close(l.heard)
		}()
	})
	return l.heard
}

func (l *lines) end() error {
	l.in.Close()
	return l.cmd.Wait()
}

func cClient(s *server) error {
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

// A call whose signalling goes by the C client.
func cClientMedia(s *server) error {
	l, err := s.lines(newID(), newKey())
	if err != nil {
		return err
	}
	if err := l.expect("hello"); err != nil {
		return err
	}
	return (&node{lines: l}).voices()
}

// The same inside of a process that has the server in it, and no port but that of media.
func embedded(s *server) error {
	if lineServer == "" || s.name != "sluice" {
		return fmt.Errorf("no embed=BINARY, or no library in C")
	}
	l, err := newLines(exec.Command(lineServer, "--rtc.listen=127.0.0.1", fmt.Sprintf("--rtc.port=%d", freePort())))
	if err != nil {
		return err
	}
	return (&node{lines: l}).voices()
}

// One that has media of its own: what comes back is what went there.
func echoed(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	n.noAV1 = true // the echo is in VP8
	call := newID()
	echo := "echo-" + call
	l, err := newLines(exec.Command(lineEcho, s.url(), n.id, n.key, call))
	if err != nil {
		return err
	}
	defer l.end()
	if err := l.expect("up"); err != nil {
		return err
	}
	a, err := n.enter(newSwitchboard(n), call, newID(), nil)
	if err != nil {
		return err
	}
	voice, err := a.speak()
	if err != nil {
		return err
	}
	defer voice.end()
	if err := l.expect("hears " + a.session); err != nil {
		return err
	}
	if err := a.hears("voice", echo); err != nil {
		return err
	}
	camera, _, err := a.show(rtc.VideoOnMessage, "videoStreamID", "camera-"+a.session)
	if err != nil {
		return err
	}
	defer camera.end()
	if err := l.expect("sees " + a.session); err != nil {
		return err
	}
	if err := a.hears("video", echo); err != nil {
		return err
	}
	if err := l.end(); err != nil {
		return err
	}
	if _, err := n.sessions(call, 1); err != nil {
		return err
	}
	return leaveAll([]*agent{a})
}
