package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/mattermost/rtcd/service/rtc"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// A call of new sessions with voices, all of one node.
func (s *server) call(n int) (*node, *switchboard, []*agent, []*track, error) {
	node, err := s.connected()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	return node.call(n)
}

func (node *node) call(n int) (*node, *switchboard, []*agent, []*track, error) {
	board := newSwitchboard(node)
	call := newID()
	var agents []*agent
	var tracks []*track
	for i := 0; i < n; i++ {
		id := newID()
		t := newTrack(webrtc.MimeTypeOpus, "audio", "stream-"+id)
		a, err := node.enter(board, call, id, t)
		if err != nil {
			return nil, nil, nil, nil, err
		}
		agents, tracks = append(agents, a), append(tracks, t)
	}
	return node, board, agents, tracks, nil
}

func voices(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	return n.voices()
}

func (n *node) voices() error {
	_, _, all, tracks, err := n.call(2)
	if err != nil {
		return err
	}
	a, b := all[0], all[1]
	for _, pair := range [][2]*agent{{a, b}, {b, a}} {
		if err := pair[0].hears("voice", pair[1].session); err != nil {
			return err
		}
		if h := pair[0].of("voice", pair[1].session); h.stream != pair[1].session {
			return fmt.Errorf("the stream is %s", h.stream)
		}
	}
	if err := n.rtc(a.session, rtc.MuteMessage, ""); err != nil {
		return err
	}
	if err := b.silent("voice", a.session); err != nil {
		return err
	}
	if err := n.rtc(a.session, rtc.UnmuteMessage, ""); err != nil {
		return err
	}
	if err := b.hears("voice", a.session); err != nil {
		return err
	}
	for i, x := range all {
		tracks[i].end()
		if err := x.leave(); err != nil {
			return err
		}
	}
	return n.Close()
}

// Says what is to be shown, and shows it; by the track's end it is to be stopped.
func (a *agent) show(kind rtc.MessageType, key, stream string) (*track, *webrtc.RTPSender, error) {
	if err := a.n.rtc(a.session, kind, fmt.Sprintf("{%q:%q}", key, stream)); err != nil {
		return nil, nil, err
	}
	t := newTrack(webrtc.MimeTypeVP8, "picture", stream)
	var sender *webrtc.RTPSender
	err := a.change(func() (err error) {
		sender, err = a.pc.AddTrack(t.local)
		return err
	})
	return t, sender, err
}

func (a *agent) share() (*track, *webrtc.RTPSender, error) {
	return a.show(rtc.ScreenOnMessage, "screenStreamID", "screen-"+a.session)
}

func (a *agent) stopSharing(t *track, sender *webrtc.RTPSender) error {
	t.end()
	if err := a.change(func() error { return a.pc.RemoveTrack(sender) }); err != nil {
		return err
	}
	return a.n.rtc(a.session, rtc.ScreenOffMessage, "")
}

func screens(s *server) error {
	all, err := s.talkers(3, false)
	if err != nil {
		return err
	}
	a, b, c := all[0], all[1], all[2]
	t, sender, err := a.share()
	if err != nil {
		return err
	}
	for _, x := range []*agent{b, c} {
		if err := x.hears("screen", a.session); err != nil {
			return err
		}
	}
	late, err := s.another(a)
	if err != nil {
		return err
	}
	if err := late.hears("screen", a.session); err != nil {
		return err
	}
	if err := a.stopSharing(t, sender); err != nil {
		return err
	}
	if err := c.silent("screen", a.session); err != nil {
		return err
	}
	for _, x := range []*agent{b, c, late} {
		if err := x.forgets("screen_" + a.session); err != nil {
			return err
		}
	}
	if t, _, err = b.share(); err != nil {
		return err
	}
	defer t.end()
	for _, x := range []*agent{a, c, late} {
		if err := x.hears("screen", b.session); err != nil {
			return err
		}
	}
	return leaveAll(append(all, late))
}

// Whose session ends is told so by its transport, and need not wait for its silence.
func farewell(s *server) error {
	all, err := s.talkers(2, false)
	if err != nil {
		return err
	}
	a, b := all[0], all[1]
	voice, err := b.speak()
	if err != nil {
		return err
	}
	defer voice.end()
	if err := a.hears("voice", b.session); err != nil {
		return err
	}
	must(a.n.about("leave", a.session))
	if err := until(wait, "its transport is closed, and has not just failed", func() bool {
		return a.pc.ConnectionState() == webrtc.PeerConnectionStateClosed
	}); err != nil {
		return err
	}
	return leaveAll(all[1:])
}

// One more session of the same call.
func (s *server) another(of *agent) (*agent, error) {
	return of.n.enter(of.board, of.call, newID(), nil)
}

func cameras(s *server) error {
	all, err := s.talkers(2, false)
	if err != nil {
		return err
	}
	a, b := all[0], all[1]
	t, sender, err := a.show(rtc.VideoOnMessage, "videoStreamID", "camera-"+a.session)
	if err != nil {
		return err
	}
	defer t.end()
	if err := b.hears("video", a.session); err != nil {
		return err
	}
	// As browsers do it: the sender stays, and what it sends comes and goes.
	if err := sender.ReplaceTrack(nil); err != nil {
		return err
	}
	must(a.n.rtc(a.session, rtc.VideoOffMessage, ""))
	if err := b.silent("video", a.session); err != nil {
		return err
	}
	must(a.n.rtc(a.session, rtc.VideoOnMessage, `{"videoStreamID":"another"}`))
	if err := sender.ReplaceTrack(t.local); err != nil {
		return err
	}
	if err := b.hears("video", a.session); err != nil {
		return err
	}
	return leaveAll(all)
}

func extension(sender *webrtc.RTPSender, uri string) uint8 {
	for _, e := range sender.GetParameters().HeaderExtensions {
		if e.URI == uri {
			return uint8(e.ID)
		}
	}
	return 0
}

// A screen in two layers, of which the larger has larger packets.
func newLayers(stream string) [2]*track {
	return [2]*track{newFatTrack(100, webrtc.MimeTypeVP8, "picture", stream, webrtc.WithRTPStreamID("l")),
		newFatTrack(1000, webrtc.MimeTypeVP8, "picture", stream, webrtc.WithRTPStreamID("h"))}
}

// Each packet says whose it is, from when that is agreed.
func dress(tr *webrtc.RTPTransceiver, all [2]*track) error {
	var mid, rid uint8
	if err := until(wait, "there are extensions for layers", func() bool {
		mid = extension(tr.Sender(), "urn:ietf:params:rtp-hdrext:sdes:mid")
		rid = extension(tr.Sender(), "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id")
		return mid != 0 && rid != 0 && tr.Mid() != ""
	}); err != nil {
		return err
	}
	for _, t := range all {
		name := t.local.RID()
		t.dress.Store(func(h *rtp.Header) {
			must(h.SetExtension(mid, []byte(tr.Mid())))
			must(h.SetExtension(rid, []byte(name)))
		})
	}
	return nil
}

// The larger layer is seen, as the track that the smaller one was.
func (e *ears) seesLarger(sender string) error {
	if err := e.hears("screen", sender); err != nil {
		return err
	}
	id := e.of("screen", sender).id
	if err := until(wait, "the larger layer is seen", func() bool {
		h := e.of("screen", sender)
		return h != nil && h.largest > 1000
	}); err != nil {
		return err
	}
	if now := e.of("screen", sender).id; now != id {
		return fmt.Errorf("it is another track: %s, not %s", now, id)
	}
	return nil
}

func layers(s *server) error {
	all, err := s.talkers(2, false)
	if err != nil {
		return err
	}
	a, b := all[0], all[1]
	stream := "screen-" + a.session
	both := newLayers(stream)
	defer both[0].end()
	defer both[1].end()
	must(a.n.rtc(a.session, rtc.ScreenOnMessage, fmt.Sprintf(`{"screenStreamID":%q}`, stream)))
	var tr *webrtc.RTPTransceiver
	if err := a.change(func() (err error) {
		if tr, err = a.pc.AddTransceiverFromTrack(both[0].local, webrtc.RTPTransceiverInit{
			Direction: webrtc.RTPTransceiverDirectionSendonly}); err == nil {
			err = tr.Sender().AddEncoding(both[1].local)
		}
		return err
	}); err != nil {
		return err
	}
	if err := dress(tr, both); err != nil {
		return err
	}
	if err := b.seesLarger(a.session); err != nil {
		return err
	}
	return leaveAll(all)
}

func speech(s *server) error {
	n, _, all, tracks, err := s.call(1)
	if err != nil {
		return err
	}
	a, voice := all[0], tracks[0]
	defer voice.end()
	id := extension(a.voice, "urn:ietf:params:rtp-hdrext:ssrc-audio-level")
	if id == 0 {
		return fmt.Errorf("no extension for levels")
	}
	story := func() string { _, events, _ := a.state(); return strings.Join(events, " ") }
	packets, talks := 0, true
	var mu sync.Mutex
	voice.dress.Store(func(h *rtp.Header) {
		mu.Lock()
		defer mu.Unlock()
		packets++
		level := byte(110)
		if talks && packets/10%3 != 0 { // words of 400 ms, and pauses of 200
			level = 20
		}
		must(h.SetExtension(id, []byte{level}))
	})
	if err := until(wait, "speech", func() bool { return story() == "on" }); err != nil {
		return fmt.Errorf("%w, but %q", err, story())
	}
	mu.Lock()
	talks = false
	mu.Unlock()
	if err := until(wait, "silence", func() bool { return story() == "on off" }); err != nil {
		return fmt.Errorf("%w, but %q", err, story())
	}
	must(n.rtc(a.session, rtc.MuteMessage, ""))
	if err := until(wait, "muted", func() bool { return story() == "on off off" }); err != nil {
		return fmt.Errorf("%w, but %q", err, story())
	}
	return leaveAll(all)
}

// Others come and go: who stays has no more sections than there were voices at a time.
func turnover(s *server) error {
	n, board, all, tracks, err := s.call(1)
	if err != nil {
		return err
	}
	a := all[0]
	defer tracks[0].end()
	for i := 0; i < 4; i++ {
		id := newID()
		t := newTrack(webrtc.MimeTypeOpus, "audio", "stream-"+id)
		b, err := n.enter(board, a.call, id, t)
		if err != nil {
			return err
		}
		if err := a.hears("voice", id); err != nil {
			return err
		}
		t.end()
		if err := b.leave(); err != nil {
			return err
		}
		if err := a.forgets(id); err != nil {
			return err
		}
	}
	// Its own, and one for the others.
	if got := strings.Count(a.pc.CurrentRemoteDescription().SDP, "m=audio"); got != 2 {
		return fmt.Errorf("%d sections of sound", got)
	}
	return leaveAll(all)
}

func crowd(s *server) error {
	n, board, all, tracks, err := s.call(2)
	if err != nil {
		return err
	}
	more, err := n.talkers(board, all[0].call, 48)
	if err != nil {
		return err
	}
	all = append(all, more...)
	for i, x := range all {
		for k := 0; k < 2; k++ {
			if i == k {
				continue
			}
			if err := x.hears("voice", all[k].session); err != nil {
				return fmt.Errorf("session %d: %w", i, err)
			}
		}
	}
	for _, t := range tracks {
		t.end()
	}
	return leaveAll(all)
}

// The screen in VP8, and in a section of its own in AV1, as part of the same stream.
func twoCodecs(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	board, call := newSwitchboard(n), newID()
	var all []*agent
	for i := 0; i < 3; i++ {
		n.noAV1 = i == 2
		a, err := n.enter(board, call, newID(), nil)
		if err != nil {
			return err
		}
		all = append(all, a)
	}
	a := all[0]
	stream := "screen-" + a.session
	vp8, av1 := newTrack(webrtc.MimeTypeVP8, "vp8", stream), newTrack(webrtc.MimeTypeAV1, "av1", stream)
	defer vp8.end()
	defer av1.end()
	must(n.rtc(a.session, rtc.ScreenOnMessage, fmt.Sprintf(`{"screenStreamID":%q}`, stream)))
	if err := a.change(func() error {
		if _, err := a.pc.AddTrack(vp8.local); err != nil {
			return err
		}
		tr, err := a.pc.AddTransceiverFromTrack(av1.local, webrtc.RTPTransceiverInit{
			Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return err
		}
		return tr.SetCodecPreferences([]webrtc.RTPCodecParameters{{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeAV1, ClockRate: 90000},
			PayloadType:        45}})
	}); err != nil {
		return err
	}
	for i, want := range map[int]string{1: webrtc.MimeTypeAV1, 2: webrtc.MimeTypeVP8} {
		if err := all[i].hears("screen", a.session); err != nil {
			return err
		}
		if h := all[i].of("screen", a.session); h.codec != want {
			return fmt.Errorf("session %d sees %s", i, h.codec)
		}
	}
	return leaveAll(all)
}
