package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/mattermost/rtcd/service/rtc/dc"
	"github.com/pion/webrtc/v4"
)

// Sessions of one call, without media yet. viaChannel: they joined with that wish.
func (s *server) talkers(count int, viaChannel bool) ([]*agent, error) {
	n, err := s.connected()
	if err != nil {
		return nil, err
	}
	n.viaChannel, n.noAV1 = viaChannel, true // AV1 is not what these are about
	n.street = s.street
	return n.talkers(newSwitchboard(n), newID(), count)
}

func (n *node) talkers(board *switchboard, call string, count int) ([]*agent, error) {
	agents := make([]*agent, count)
	return agents, together(count, func(i int) (err error) {
		agents[i], err = n.enter(board, call, newID(), nil)
		return err
	})
}

func leaveAll(agents []*agent) error {
	if err := together(len(agents), func(i int) error { return agents[i].leave() }); err != nil {
		return err
	}
	return agents[0].n.Close()
}

func (a *agent) speak() (*track, error) {
	t := newTrack(webrtc.MimeTypeOpus, "audio", "stream-"+a.session)
	return t, a.publish(t.local)
}

// Waits until that came.
func (a *agent) told(what string) error {
	return until(wait, fmt.Sprintf("%q, but %s", what, a.story()), func() bool {
		return strings.Contains(", "+a.story()+", ", ", "+what+", ")
	})
}

func channelDescriptions(s *server) error {
	all, err := s.talkers(2, true)
	if err != nil {
		return err
	}
	a, b := all[0], all[1]
	voice, err := a.speak()
	if err != nil {
		return err
	}
	defer voice.end()
	if err := b.hears("voice", a.session); err != nil {
		return err
	}
	if told := a.story(); !strings.HasPrefix(told, "answer ws, answer dc") {
		return fmt.Errorf("the publisher is told %s", told)
	}
	if told := b.story(); told != "answer ws, map, offer dc" {
		return fmt.Errorf("the other is told %s", told)
	}
	for mid, info := range b.mediaMap() {
		if mid == "0" || info.Type != "voice" || info.SenderID != a.session {
			return fmt.Errorf("section %s carries %v", mid, info)
		}
	}
	if len(b.mediaMap()) != 1 {
		return fmt.Errorf("the map is %v", b.mediaMap())
	}
	return leaveAll(all)
}

func socketDescriptions(s *server) error {
	all, err := s.talkers(2, false)
	if err != nil {
		return err
	}
	voice, err := all[0].speak()
	if err != nil {
		return err
	}
	defer voice.end()
	if err := all[1].hears("voice", all[0].session); err != nil {
		return err
	}
	if told := all[0].story(); told != "answer ws, answer ws" {
		return fmt.Errorf("the publisher is told %s", told)
	}
	for _, what := range []string{"map", "offer ws"} {
		if err := all[1].told(what); err != nil {
			return err
		}
	}
	return leaveAll(all)
}

func pings(s *server) error {
	all, err := s.talkers(1, true)
	if err != nil {
		return err
	}
	if err := all[0].say(dc.MessageTypePing, nil); err != nil {
		return err
	}
	if err := all[0].dc.SendText("ping"); err != nil {
		return err
	}
	for _, want := range []string{"pong", "text pong"} {
		if err := all[0].told(want); err != nil {
			return err
		}
	}
	return leaveAll(all)
}

func lockOnce(s *server) error {
	all, err := s.talkers(1, true)
	if err != nil {
		return err
	}
	a := all[0]
	for _, step := range []struct{ unlock, want bool }{{true, true}, {false, false}, {true, true}} {
		if step.unlock {
			if err := a.unlock(); err != nil {
				return err
			}
		}
		if got, err := a.askLock(); err != nil || got != step.want {
			return fmt.Errorf("after an unlock %v the lock is %v (%v)", step.unlock, got, err)
		}
	}
	return leaveAll(all)
}

// Who has the lock is offered nothing until it gives it back, or keeps it too long.
func lockHolds(s *server) error {
	all, err := s.talkers(2, true)
	if err != nil {
		return err
	}
	a, b := all[0], all[1]
	if err := b.lock(wait); err != nil {
		return err
	}
	voice, err := a.speak()
	if err != nil {
		return err
	}
	defer voice.end()
	time.Sleep(time.Second)
	if told := b.story(); strings.Contains(told, "offer") {
		return fmt.Errorf("while it has the lock it is told %s", told)
	}
	if err := b.unlock(); err != nil {
		return err
	}
	if err := b.hears("voice", a.session); err != nil {
		return err
	}

	offers, from := strings.Count(b.story(), "offer"), time.Now()
	if err := b.lock(wait); err != nil {
		return err
	}
	if err := a.leave(); err != nil {
		return err
	}
	if err := until(wait, "the offer that waited", func() bool {
		return strings.Count(b.story(), "offer") > offers
	}); err != nil {
		return err
	}
	b.talk.mu.Lock()
	after := b.talk.offer.Sub(from)
	b.talk.mu.Unlock()
	if after < 5*time.Second {
		return fmt.Errorf("%v after it asked for the lock it is told %s", after, b.story())
	}
	return leaveAll(all[1:])
}

// All of it by one session; neither it nor the other is the worse for it.
func hostileChannel(s *server) error {
	all, err := s.talkers(2, true)
	if err != nil {
		return err
	}
	a, b := all[0], all[1]
	bomb, err := dc.EncodeMessage(dc.MessageTypeSDP, bytes.Repeat([]byte{' '}, 64<<20))
	if err != nil {
		return err
	}
	for _, message := range [][]byte{{}, {0xc1}, {0x03}, {0x03, 0xc4, 0x02, 0x7b, 0x7d}, {0xcc},
		{0x04, 0xa1, 'x'}, {0x05, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0}, {0x02}, {0x09, 0x80}, {0x63},
		[]byte("ping!"), bytes.Repeat([]byte{0x93}, 60000), bomb} {
		if err := a.dc.Send(message); err != nil {
			return err
		}
	}
	for _, text := range []string{"", "{}", `{"type":"offer"}`, `{"type":"answer","sdp":""}`,
		`{"type":"offer","sdp":"v=0"}`, `{"type":"rollback","sdp":""}`, `[]`} {
		if err := a.say(dc.MessageTypeSDP, []byte(text)); err != nil {
			return err
		}
	}
	for i := 0; i < 2000; i++ {
		if err := a.say(dc.MessageTypePing, nil); err != nil {
			return err
		}
	}
	if err := until(wait, "all of it has come", func() bool { return a.dc.BufferedAmount() == 0 }); err != nil {
		return err
	}
	time.Sleep(2 * time.Second) // it has to be quiet before it is listened to again
	voice, err := b.speak()
	if err != nil {
		return fmt.Errorf("the other: %w", err)
	}
	defer voice.end()
	if err := a.hears("voice", b.session); err != nil {
		return err
	}
	mine, err := a.speak()
	if err != nil {
		return err
	}
	defer mine.end()
	if err := b.hears("voice", a.session); err != nil {
		return err
	}
	for _, reason := range []string{"malformed", "oversized", "flooded"} {
		if err := s.some(fmt.Sprintf("sluice_rtcd_channel_dropped_total{reason=%q}", reason)); err != nil {
			return err
		}
	}
	return leaveAll(all)
}

var channelScenarios = []scenario{
	{"descriptions on the data channel, and first what they carry", channelDescriptions,
		"what a section carries"},
	{"descriptions on the WebSocket, and what they carry on the channel", socketDescriptions, ""},
	{"pings of today and of old on the data channel", pings, ""},
	{"the lock is had once", lockOnce, ""},
	{"the lock holds offers back, and ends", lockHolds,
		"the signalling lock"},
	{"nonsense, a bomb and a flood on the data channel", hostileChannel,
		"an answer on the data channel that nobody asked for"},
}
