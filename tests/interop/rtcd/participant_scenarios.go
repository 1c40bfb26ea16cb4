package main

import (
	"fmt"
	"strings"

	"github.com/mattermost/rtcd/client"
	"github.com/pion/webrtc/v4"
)

// Runs it in a Mattermost before the server, in a channel for calls. What fails there may panic.
func inMattermost(run func(m *mattermost, channel string)) func(s *server) error {
	return func(s *server) error {
		m, err := newMattermost(s)
		if err != nil {
			return err
		}
		defer m.end()
		run(m, m.channel())
		return nil
	}
}

func (m *mattermost) mustJoin(channel string, wishes ...wish) *participant {
	p, err := m.joined(channel, wishes...)
	must(err)
	return p
}

// Speaks, from then on.
func (p *participant) speak() *track {
	t := newTrack(webrtc.MimeTypeOpus, "audio", "stream-"+p.user)
	must(p.Unmute(t.local))
	return t
}

func (p *participant) share(mime string) *track {
	t := newTrack(mime, "screen", "screen-"+p.user)
	_, err := p.StartScreenShare([]webrtc.TrackLocal{t.local})
	must(err)
	return t
}

func (p *participant) film(mime string) *track {
	t := newTrack(mime, "video", "video-"+p.user)
	_, err := p.StartVideo([]webrtc.TrackLocal{t.local})
	must(err)
	return t
}

// Of two, one signalled by the WebSocket, the other by its data channel; each does everything.
func wholeCall(m *mattermost, channel string) {
	all := []*participant{m.mustJoin(channel, monitored), m.mustJoin(channel, monitored, byChannel)}
	for i, a := range all {
		b, session := all[1-i], a.session()
		voice := a.speak()
		defer voice.end()
		must(b.sees("WSCallUnmuted " + session))
		must(b.hears("voice", session))
		must(a.Mute())
		must(b.sees("WSCallMuted " + session))
		must(b.silent("voice", session))
		must(a.Unmute(voice.local))
		must(b.hears("voice", session))

		screen := a.share(webrtc.MimeTypeVP8)
		defer screen.end()
		must(b.sees("WSCallScreenOn " + session))
		must(b.hears("screen", session))
		must(until(wait, "a key frame is asked for", func() bool { return a.keyFrames() > 0 }))
		camera := a.film(webrtc.MimeTypeVP8)
		defer camera.end()
		must(b.sees("WSCallVideoOn " + session))
		for _, kind := range []string{"video", "screen", "voice"} {
			must(b.hears(kind, session))
			if stream := b.of(kind, session).stream; stream != session {
				must(fmt.Errorf("the stream of %s is %s", kind, stream))
			}
		}
		must(a.StopScreenShare())
		must(b.sees("WSCallScreenOff " + session))
		must(b.silent("screen", session))
		must(a.StopVideo())
		must(b.sees("WSCallVideoOff " + session))
		must(b.silent("video", session))
		must(b.hears("voice", session))
	}
	late := m.mustJoin(channel)
	for _, a := range all {
		must(late.hears("voice", a.session()))
	}
	for _, p := range append(all, late) {
		must(p.leave())
	}
}

// What goes from the plugin alone to its users.
func meeting(m *mattermost, channel string) {
	bot := m.mustJoin(channel, func(c *client.Config) { c.JobID = "recording" })
	a := m.mustJoin(channel)
	conf, err := a.GetCallsConfig()
	must(err)
	if conf["EnableSimulcast"] != true {
		must(fmt.Errorf("the configuration is %v", conf))
	}
	must(a.RaiseHand())
	must(bot.sees("WSCallRaisedHand " + a.session()))
	must(a.LowerHand())
	must(bot.sees("WSCallLoweredHand " + a.session()))
	m.tell(channel, "call_host_changed", map[string]any{"hostID": a.user})
	must(a.sees("WSCallHostChanged " + a.user))
	must(a.StartRecording())
	must(a.sees("WSCallJobState recording 0"))
	must(a.sees("WSCallRecordingState recording 0"))
	must(a.StopRecording())
	must(a.sees("WSCallJobState recording 3"))
	must(bot.sees("WSStopJobEvent recording"))
	m.tell(channel, "call_end", nil)
	for _, p := range []*participant{a, bot} {
		for _, event := range []string{"RTCDisconnect", "Close"} {
			must(p.sees(event))
		}
	}
}

func forbidden(m *mattermost, channel string) {
	stranger, err := m.participant(newID())
	must(err)
	must(stranger.Connect())
	must(stranger.sees("WSConnect"))
	must(stranger.sees("Error ws error: forbidden"))
	must(stranger.Close())
	must(stranger.sees("Close"))

	nobody, err := m.participant(channel, func(c *client.Config) { c.AuthToken = "wrong" })
	must(err)
	if nobody.Connect() == nil {
		must(fmt.Errorf("connected with a wrong token"))
	}
	if m.session(stranger.user) != "" || m.session(nobody.user) != "" {
		must(fmt.Errorf("they are in the call"))
	}
}

// Who comes back does so by the other node of the cluster, and is told there what goes on.
func comesBack(m *mattermost, channel string) {
	a, b := m.mustJoin(channel), m.mustJoin(channel)
	session, voice := a.session(), a.speak()
	defer voice.end()
	must(b.hears("voice", session))
	m.lose(a.user)
	must(a.sees("WSDisconnect"))
	must(b.hears("voice", session))
	must(a.sees("WSConnect"))
	if a.session() != session {
		must(fmt.Errorf("it is another session"))
	}
	other := b.speak() // an offer to a
	defer other.end()
	must(a.hears("voice", b.session()))
	must(a.Mute())
	must(b.sees("WSCallMuted " + session))
	must(b.silent("voice", session))
	screen := a.share(webrtc.MimeTypeVP8)
	defer screen.end()
	must(b.hears("screen", session))
	for _, p := range []*participant{a, b} {
		if told := p.story(); strings.Contains(told, "Error") || strings.Contains(told, "RTCDisconnect") {
			must(fmt.Errorf("it is told %s", told))
		}
		must(p.leave())
	}
}

// Who does not come back is taken out of the call, and is told by its transport.
func staysAway(m *mattermost, channel string) {
	a, b := m.mustJoin(channel), m.mustJoin(channel)
	voice := b.speak()
	defer voice.end()
	must(a.hears("voice", b.session()))
	m.refuse()
	m.lose(a.user)
	for _, event := range []string{"WSDisconnect", "RTCDisconnect"} {
		must(a.sees(event))
	}
	must(until(wait, "it has left", func() bool { return a.session() == "" }))
	must(b.leave())
}

// All at once, by both ways, each with the wish to change something of its own.
func allSpeak(m *mattermost, channel string) {
	const many = 6
	all := make([]*participant, many)
	must(together(many, func(i int) (err error) {
		wishes := []wish{}
		if i%2 == 1 {
			wishes = append(wishes, byChannel)
		}
		all[i], err = m.joined(channel, wishes...)
		return err
	}))
	tracks := make([]*track, many)
	must(together(many, func(i int) error {
		tracks[i] = newTrack(webrtc.MimeTypeOpus, "audio", "stream-"+all[i].user)
		for range 5 {
			if err := all[i].Unmute(tracks[i].local); err != nil {
				return err
			}
			if err := all[i].Mute(); err != nil {
				return err
			}
		}
		return all[i].Unmute(tracks[i].local)
	}))
	must(together(many*many, func(k int) error {
		if i, j := k/many, k%many; i != j {
			return all[i].hears("voice", all[j].session())
		}
		return nil
	}))
	must(together(many, func(i int) error {
		tracks[i].end()
		return all[i].leave()
	}))
}

func participantAV1(m *mattermost, channel string) {
	a, b := m.mustJoin(channel, withAV1), m.mustJoin(channel, withAV1, byChannel)
	screen, camera := a.share(webrtc.MimeTypeAV1), a.film(webrtc.MimeTypeAV1)
	defer screen.end()
	defer camera.end()
	for _, kind := range []string{"screen", "video"} {
		must(b.hears(kind, a.session()))
		if codec := b.of(kind, a.session()).codec; codec != webrtc.MimeTypeAV1 {
			must(fmt.Errorf("%s is %s", kind, codec))
		}
	}
	for _, p := range []*participant{a, b} {
		must(p.leave())
	}
}

// A screen in two layers. When the larger one stops, the smaller is seen again.
func participantLayers(m *mattermost, channel string) {
	a, b := m.mustJoin(channel), m.mustJoin(channel, byChannel)
	session, both := a.session(), newLayers("screen-"+a.user)
	defer both[0].end()
	tr, err := a.StartScreenShare([]webrtc.TrackLocal{both[0].local, both[1].local})
	must(err)
	must(dress(tr, both))
	must(b.seesLarger(session))
	must(until(wait, "a key frame is asked for", func() bool { return a.keyFrames() > 0 }))
	both[1].end()
	must(until(wait, "the smaller layer is seen again", func() bool {
		return b.of("screen", session).largest < 1000
	}))
	must(b.hears("screen", session))
	late := m.mustJoin(channel)
	must(late.hears("screen", session))
	for _, p := range []*participant{a, b, late} {
		must(p.leave())
	}
}

// The server dies amid a call, and another takes its place: who was in the call is told by its
// transport, and the plugin, which has come back by itself, brings in who joins again.
func restartedCall(s *server) error {
	return inMattermost(func(m *mattermost, channel string) {
		all := []*participant{m.mustJoin(channel), m.mustJoin(channel, byChannel)}
		for i, p := range all {
			voice := p.speak()
			defer voice.end()
			must(all[1-i].hears("voice", p.session()))
		}
		must(s.crash())
		must(s.start())
		for _, p := range all { // by its silence: what ended them has no farewell
			must(until(3*wait, "it is told", func() bool {
				return p.count("RTCDisconnect") > 0 && p.count("Close") > 0
			}))
		}
		again := []*participant{m.mustJoin(channel), m.mustJoin(channel, byChannel)}
		for i, p := range again {
			voice := p.speak()
			defer voice.end()
			must(again[1-i].hears("voice", p.session()))
		}
		for _, p := range again {
			must(p.leave())
		}
	})(s)
}

var participantScenarios = []scenario{
	{"rtcd's user agent: a whole call, by both ways of signalling", inMattermost(wholeCall), ""},
	{"rtcd's user agent: hands, hosts, recordings, the end of a call", inMattermost(meeting), ""},
	{"rtcd's user agent: who may not", inMattermost(forbidden), ""},
	{"rtcd's user agent: it comes back by another node", inMattermost(comesBack), ""},
	{"rtcd's user agent: it does not come back", inMattermost(staysAway), noFarewell},
	{"rtcd's user agent: all speak at once", inMattermost(allSpeak), ""},
	{"rtcd's user agent: a screen and a camera in AV1", inMattermost(participantAV1), ""},
	{"rtcd's user agent: a screen in two layers", inMattermost(participantLayers),
		"a screen in two layers"},
}
