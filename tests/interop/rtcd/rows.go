package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/mattermost/rtcd/service/rtc"
	"github.com/mattermost/rtcd/service/rtc/dc"
)

// More rows of the table, each seen by what asks for nothing else.

func (s *server) alone(viaChannel bool) (*agent, error) {
	all, err := s.talkers(1, viaChannel)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func liteAnswer(s *server) error {
	a, err := s.alone(false)
	if err != nil {
		return err
	}
	if !strings.Contains(a.pc.RemoteDescription().SDP, "a=ice-lite\r\n") {
		return fmt.Errorf("the answer is %s", a.pc.RemoteDescription().SDP)
	}
	return leaveAll([]*agent{a})
}

// All paths are in the answer.
func candidatesInside(s *server) error {
	a, err := s.alone(false)
	if err != nil {
		return err
	}
	time.Sleep(500 * time.Millisecond)
	a.mu.Lock()
	alone := len(a.paths)
	a.mu.Unlock()
	for _, protocol := range []string{"udp", "tcp"} {
		want := fmt.Sprintf("%s 127.0.0.1 %d", protocol, s.media)
		if alone > 0 || !strings.Contains(strings.Join(a.toldPaths(), ", "), want) {
			return fmt.Errorf("%d candidates by themselves, told %v", alone, a.toldPaths())
		}
	}
	return leaveAll([]*agent{a})
}

// Each who sees a camera has an id of its own for it.
func ownIDs(s *server) error {
	const viewers = 10
	all, err := s.talkers(1+viewers, false)
	if err != nil {
		return err
	}
	camera, _, err := all[0].show(rtc.VideoOnMessage, "videoStreamID", "camera-"+all[0].session)
	if err != nil {
		return err
	}
	defer camera.end()
	ids := map[string]bool{}
	for _, a := range all[1:] {
		if err := a.hears("video", all[0].session); err != nil {
			return err
		}
		ids[a.of("video", all[0].session).id] = true
	}
	if len(ids) != viewers {
		return fmt.Errorf("its ids are %v", ids)
	}
	return leaveAll(all)
}

// One who does not answer an offer answers the one that is made again.
func unansweredOffer(s *server) error {
	all, err := s.talkers(2, false)
	if err != nil {
		return err
	}
	a, b := all[0], all[1]
	a.deaf.Store(true)
	voice, err := b.speak()
	if err != nil {
		return err
	}
	defer voice.end()
	time.Sleep(2 * time.Second)
	a.deaf.Store(false)
	if err := a.silent("voice", b.session); err != nil {
		return err
	}
	if err := a.hears("voice", b.session); err != nil {
		return err
	}
	return leaveAll(all)
}

// A screen of which only those pictures are key frames that were asked for.
func (a *agent) sparse() (*source, error) {
	src, err := a.begin(true)
	if err == nil {
		src.wanted.Store(true)
	}
	return src, err
}

// Who comes late and asks for nothing sees a key frame.
func lateKeyFrame(s *server) error {
	all, err := s.talkers(2, false)
	if err != nil {
		return err
	}
	a, b := all[0], all[1]
	screen, err := a.sparse()
	if err != nil {
		return err
	}
	defer close(screen.stop)
	if err := b.hears("screen", a.session); err != nil {
		return err
	}
	a.n.patient = true
	late, err := s.another(a)
	if err != nil {
		return err
	}
	if err := late.hears("screen", a.session); err != nil {
		return err
	}
	if err := until(3*time.Second, "a key frame", func() bool { return late.of("screen", a.session).keys > 0 }); err != nil {
		return err
	}
	return leaveAll(append(all, late))
}

// An offer that is 2 MiB when unpacked is not taken, and the next one is.
func longDescription(s *server) error {
	a, err := s.alone(true)
	if err != nil {
		return err
	}
	a.talk.turn.Lock()
	for len(a.talk.answered) > 0 {
		<-a.talk.answered
	}
	o, err := a.pc.CreateOffer(nil)
	if err == nil {
		err = a.pc.SetLocalDescription(o)
	}
	a.talk.turn.Unlock()
	if err != nil {
		return err
	}
	text, err := json.Marshal(o)
	must(err)
	if err := a.say(dc.MessageTypeSDP, append(text, bytes.Repeat([]byte{' '}, 2<<20)...)); err != nil {
		return err
	}
	select {
	case err := <-a.talk.answered:
		if err == nil {
			return fmt.Errorf("it is answered: %s", a.story())
		}
		return err
	case <-time.After(2 * time.Second):
	}
	if err := a.say(dc.MessageTypeSDP, text); err != nil {
		return err
	}
	select {
	case err = <-a.talk.answered:
	case <-time.After(wait):
		err = fmt.Errorf("no answer, but %s", a.story())
	}
	if err != nil {
		return err
	}
	return leaveAll([]*agent{a})
}

// Of more pings than a client has reason for some are dropped; then it is heard again.
func floodOfPings(s *server) error {
	const many = 1000
	a, err := s.alone(true)
	if err != nil {
		return err
	}
	pongs := func() int { return strings.Count(a.story(), "pong") }
	for range many {
		if err := a.say(dc.MessageTypePing, nil); err != nil {
			return err
		}
	}
	if err := until(wait, "all of it has gone", func() bool { return a.dc.BufferedAmount() == 0 }); err != nil {
		return err
	}
	time.Sleep(time.Second)
	before := pongs()
	if before < 200 || before == many {
		return fmt.Errorf("%d of %d are answered", before, many)
	}
	if err := a.say(dc.MessageTypePing, nil); err != nil {
		return err
	}
	if err := until(wait, "another pong", func() bool { return pongs() > before }); err != nil {
		return err
	}
	return leaveAll([]*agent{a})
}

func (s *server) metricsText() string {
	_, text, err := s.ask("GET", "/metrics", "", "")
	must(err)
	return "\n" + text
}

// After a call with media.
func otherMetrics(s *server) error {
	if err := voices(s); err != nil {
		return err
	}
	text := s.metricsText()
	for _, name := range []string{"go_", "rtcd_rtc_rtp_tracks_writes_time"} {
		if strings.Contains(text, "\n"+name) {
			return fmt.Errorf("there is %s", name)
		}
	}
	if !strings.Contains(text, "\nsluice_forward_delay_seconds") {
		return fmt.Errorf("how long packets take is not told")
	}
	return nil
}

// Offers of the server's are not in the metrics of a lock for which no client asked.
func lockMetrics(s *server) error {
	n, _, all, tracks, err := s.call(2)
	if err != nil {
		return err
	}
	for i, a := range all {
		defer tracks[i].end()
		if err := a.hears("voice", all[1-i].session); err != nil {
			return err
		}
	}
	line := fmt.Sprintf("\nrtcd_rtc_signaling_lock_grab_time_count{groupID=%q} ", n.id)
	if _, rest, found := strings.Cut(s.metricsText(), line); found && !strings.HasPrefix(rest, "0\n") {
		return fmt.Errorf("it was had %.8s", rest)
	}
	return leaveAll(all)
}

// Of two voices that come together the offer is not answered: it is counted once.
func trackMetrics(s *server) error {
	all, err := s.talkers(3, false)
	if err != nil {
		return err
	}
	a := all[0]
	a.deaf.Store(true)
	for _, b := range all[1:] {
		voice, err := b.speak()
		if err != nil {
			return err
		}
		defer voice.end()
	}
	time.Sleep(5 * time.Second)
	a.deaf.Store(false)
	time.Sleep(18 * time.Second)
	line := fmt.Sprintf("\nrtcd_rtc_errors_total{groupID=%q,type=\"track\"} ", a.n.id)
	if _, rest, _ := strings.Cut(s.metricsText(), line); !strings.HasPrefix(rest, "1\n") {
		return fmt.Errorf("counted %.3q times", rest)
	}
	return leaveAll(all)
}

// One that says nothing for seven seconds is not counted as disconnected.
func quietMetrics(s *server) error {
	a, err := s.alone(false)
	if err != nil {
		return err
	}
	count := func() string {
		_, rest, _ := strings.Cut(s.metricsText(), "\nrtcd_rtc_conn_states_total{type=\"disconnected\"} ")
		line, _, _ := strings.Cut(rest, "\n")
		return line
	}
	before := count()
	if err := a.pc.SCTP().Transport().ICETransport().Stop(); err != nil {
		return err
	}
	time.Sleep(7 * time.Second)
	if after := count(); after != before {
		return fmt.Errorf("%q are disconnected, not %q", after, before)
	}
	return leaveAll([]*agent{a})
}

var moreDiffering = []scenario{
	{"who does not read what it is told delays nobody", slowReader, "a back end that reads too slowly"},
	{"the answer says that it is lite", liteAnswer, "ICE agent"},
	{"candidates are in the answer", candidatesInside, "candidates"},
	{"ten who see a camera have ten ids for it", ownIDs, "a layer's or a track's id"},
	{"an offer that is not answered is made again", unansweredOffer, "an offer that nobody answers"},
	{"who comes late sees a key frame, and need not ask", lateKeyFrame, "a key frame for who comes late"},
	{"a request for a key frame gets lost, twice", lostRequests, "a request for a key frame"},
	{"a key frame that has just come is asked for again", askedAgain, "a request for a key frame"},
	{"a data channel that nobody reads", unreadChannel, "a data channel that the client does not read"},
	{"an offer of 2 MiB on the data channel", longDescription, "descriptions on the data channel"},
	{"a flood of pings on the data channel", floodOfPings,
		"more than 50 messages a second on a data channel, after a burst of 200"},
	{"metrics of rtcd's language are not there", otherMetrics, "metrics `go_*`, `rtcd_rtc_rtp_tracks_writes_time`"},
	{"metrics of the lock are of clients", lockMetrics, "metrics of the signaling lock"},
	{"packets that are lost in the metrics", lostPackets, "metrics of errors of the type `rtp`"},
	{"an offer that crosses another in the metrics", crossingOffer, "metrics of errors of the type `signaling`"},
	{"an offer for two voices, unanswered, in the metrics", trackMetrics, "metrics of errors of the type `track`"},
	{"seven seconds of silence in the metrics", quietMetrics, "metrics of connections that are `disconnected`"},
}
