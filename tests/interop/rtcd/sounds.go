package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mattermost/rtcd/service/rtc"
	"github.com/mattermost/rtcd/service/rtc/dc"
	"github.com/pion/webrtc/v4"
)

// A screen with its sound, beside the voice of who shows it: each is told as what it is, to who was there and to
// who comes. A mute is for the voice alone.
func screenSound(s *server) error {
	all, err := s.talkers(2, false)
	if err != nil {
		return err
	}
	a, b := all[0], all[1]
	voice, err := a.speak()
	if err != nil {
		return err
	}
	defer voice.end()
	screen, _, err := a.share()
	if err != nil {
		return err
	}
	defer screen.end()
	sound := newTrack(webrtc.MimeTypeOpus, "sound", "screen-"+a.session)
	defer sound.end()
	if err := a.publish(sound.local); err != nil {
		return err
	}
	late, err := s.another(a)
	if err != nil {
		return err
	}
	for _, x := range []*agent{b, late} {
		for _, kind := range []string{"voice", "screen", "screen-audio"} {
			if err := x.hears(kind, a.session); err != nil {
				return err
			}
		}
		if err := x.carries("voice", "screen", "screen-audio"); err != nil {
			return err
		}
	}
	must(a.n.rtc(a.session, rtc.MuteMessage, ""))
	if err := b.silent("voice", a.session); err != nil {
		return err
	}
	if err := b.hears("screen-audio", a.session); err != nil {
		return err
	}
	return leaveAll(append(all, late))
}

// Its sections carry one of each of these, and nothing else.
func (a *agent) carries(kinds ...string) error {
	return until(wait, fmt.Sprintf("%v is what the map says: %v", kinds, a.mediaMap()), func() bool {
		told := map[string]bool{}
		for _, info := range a.mediaMap() {
			told[info.Type] = true
		}
		for _, kind := range kinds {
			if !told[kind] {
				return false
			}
		}
		return len(a.mediaMap()) == len(kinds)
	})
}

// What clients say about their paths is in the metrics.
func reports(s *server) error {
	a, err := s.alone(true)
	if err != nil {
		return err
	}
	for _, said := range []struct {
		kind  dc.MessageType
		value any
	}{{dc.MessageTypeLossRate, 0.3}, {dc.MessageTypeLossRate, 0.0}, {dc.MessageTypeRoundTripTime, 0.02},
		{dc.MessageTypeJitter, 0.002}} {
		if err := a.say(said.kind, said.value); err != nil {
			return err
		}
	}
	for _, line := range []string{
		`rtcd_rtc_client_loss_rate_count{groupID=%q} 2`, `rtcd_rtc_client_loss_rate_sum{groupID=%q} 0.3`,
		`rtcd_rtc_client_loss_rate_bucket{groupID=%q,le="0.001"} 1`,
		`rtcd_rtc_client_rtt_bucket{groupID=%q,le="0.01"} 0`, `rtcd_rtc_client_rtt_bucket{groupID=%q,le="0.025"} 1`,
		`rtcd_rtc_client_jitter_bucket{groupID=%q,le="0.001"} 0`, `rtcd_rtc_client_jitter_bucket{groupID=%q,le="0.005"} 1`,
	} {
		if err := s.tells(fmt.Sprintf(line, a.n.id)); err != nil {
			return err
		}
	}
	return leaveAll([]*agent{a})
}

func ufrag(sdp string) string {
	_, rest, _ := strings.Cut(sdp, "a=ice-ufrag:")
	name, _, _ := strings.Cut(rest, "\r\n")
	return name
}

// Who begins ICE anew, as after a change of its network, goes on in both directions.
func beginsAnew(s *server) error {
	all, err := s.talkers(2, false) // its channel is cut off meanwhile
	if err != nil {
		return err
	}
	for i, a := range all {
		voice, err := a.speak()
		if err != nil {
			return err
		}
		defer voice.end()
		if err := all[1-i].hears("voice", a.session); err != nil {
			return err
		}
	}
	a, b := all[0], all[1]
	before := ufrag(a.pc.RemoteDescription().SDP)
	if err := a.change(func() error {
		a.restart = true
		return nil
	}); err != nil {
		return err
	}
	if after := ufrag(a.pc.RemoteDescription().SDP); after == "" || after == before {
		return fmt.Errorf("the answer has the ufrag %q, as before", after)
	}
	for range 2 { // what was under way is not what counts
		time.Sleep(time.Second)
		if err := errors.Join(a.hears("voice", b.session), b.hears("voice", a.session)); err != nil {
			return err
		}
	}
	if state := a.pc.ConnectionState(); state != webrtc.PeerConnectionStateConnected {
		return fmt.Errorf("it is %v", state)
	}
	return leaveAll(all)
}

// Whose transport ends by its own will has left, and that is told.
func hangsUp(s *server) error {
	all, err := s.talkers(2, false)
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
	must(a.pc.Close())
	if err := until(10*time.Second, "its end is told", func() bool { closed, _, _ := a.state(); return closed }); err != nil {
		return err
	}
	if _, err := b.n.sessions(b.call, 1); err != nil {
		return err
	}
	return leaveAll(all[1:])
}

// Who falls silent without a word may begin ICE anew after the half minute that its consent lasts, and a while later
// has left.
func vanishes(s *server) error {
	a, err := s.alone(false)
	if err != nil {
		return err
	}
	from := time.Now()
	must(a.pc.SCTP().Transport().ICETransport().Stop())
	if err := until(70*time.Second, "its end is told", func() bool { closed, _, _ := a.state(); return closed }); err != nil {
		return err
	}
	if took := time.Since(from); took < 40*time.Second {
		return fmt.Errorf("it is told after %v", took)
	}
	_, err = a.n.sessions(a.call, 0)
	return err
}

var soundScenarios = []scenario{
	{"a screen with its sound", screenSound, ""},
	{"what clients say about their paths", reports, ""},
	{"who begins ICE anew goes on", beginsAnew, ""},
	{"who hangs up has left", hangsUp, ""},
	{"who vanishes has left", vanishes, "a session that falls silent"},
}
