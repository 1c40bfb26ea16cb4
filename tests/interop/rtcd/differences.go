package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mattermost/rtcd/service/rtc"
	"github.com/pion/webrtc/v4"
)

// Where rtcd does otherwise, by what it is about: the first column of docs/rtcd.md's table, which
// says what each does. A scenario that may differ names its row.
var differences = map[string]bool{}

func readDifferences(path string) {
	text, err := os.ReadFile(path)
	must(err)
	_, table, _ := strings.Cut(string(text), "| what | rtcd | Sluice |\n|---|---|---|\n")
	for _, line := range strings.Split(table, "\n") {
		cells := strings.Split(line, " | ")
		if len(cells) != 3 {
			break
		}
		differences[strings.TrimPrefix(cells[0], "| ")] = true
	}
}

// Of the rows that scenarios name, those that are seen to be true of rtcd.
type sightings struct {
	mu   sync.Mutex
	rows map[string]bool
}

func (s *sightings) note(row string, seen bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[row] = s.rows[row] || seen
}

// Rows that no scenario sees: rtcd does all that they ask, so there is no difference any more.
func (s *sightings) stale() (rows []string) {
	for row, seen := range s.rows {
		if !seen && !slices.Contains(sometimes, row) {
			rows = append(rows, row)
		}
	}
	slices.Sort(rows)
	return rows
}

// What is answered to who wants a WebSocket with a key that is wrong.
func wrongUpgrade(s *server) error {
	n := s.node(newID(), newKey())
	if err := n.Register(n.id, n.key); err != nil {
		return err
	}
	_, resp, err := websocket.DefaultDialer.Dial(strings.Replace(s.url(), "http", "ws", 1)+"/ws",
		http.Header{"Authorization": {basic(n.id, newKey())}})
	if err == nil || resp == nil || resp.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("answered by %v (%v)", resp, err)
	}
	return nil
}

// One who says something now and then, and answers no ping.
func unanswered(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	ws, err := s.raw(n)
	if err != nil {
		return err
	}
	defer ws.Close()
	pings, ended := 0, make(chan error, 1)
	ws.SetPingHandler(func(string) error {
		pings++
		return nil
	})
	go func() {
		_, _, err := ws.ReadMessage()
		ended <- err
	}()
	for end := time.Now().Add(25 * time.Second); time.Now().Before(end); {
		if err := ws.WriteMessage(websocket.BinaryMessage, []byte("\xa3abc\xc0")); err != nil {
			return err
		}
		select {
		case err := <-ended:
			return fmt.Errorf("it has ended after %d pings: %v", pings, err)
		case <-time.After(3 * time.Second):
		}
	}
	return nil
}

func longKey(s *server) error {
	id, key := newID(), strings.Repeat("k", 72)
	if err := s.node(id, key).Register(id, key); err != nil {
		return err
	}
	for add, want := range map[string]int{"": 200, "k": 400} {
		body, _ := json.Marshal(map[string]string{"clientID": id, "authKey": key + add})
		if status, text, err := s.ask("POST", "/login", "", string(body)); err != nil || status != want {
			return fmt.Errorf("%d octets: %d %q %v", len(key+add), status, text, err)
		}
	}
	return nil
}

func noProfiles(s *server) error {
	if status, _, err := s.ask("GET", "/debug/pprof/heap", "", ""); err != nil || status != 404 {
		return fmt.Errorf("answered by %d (%v)", status, err)
	}
	return nil
}

// Who comes to four voices is told of all of them by one offer.
func offeredTogether(s *server) error {
	_, _, all, _, err := s.call(4)
	if err != nil {
		return err
	}
	late, err := s.another(all[0])
	if err != nil {
		return err
	}
	for _, a := range all {
		if err := late.hears("voice", a.session); err != nil {
			return err
		}
	}
	late.mu.Lock()
	offers := late.offers
	late.mu.Unlock()
	if offers != 1 {
		return fmt.Errorf("%d offers", offers)
	}
	return leaveAll(append(all, late))
}

// Both know AV1, and what there is is VP8.
func plainScreen(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	all, err := n.talkers(newSwitchboard(n), newID(), 2)
	if err != nil {
		return err
	}
	screen, _, err := all[0].share()
	if err != nil {
		return err
	}
	defer screen.end()
	if err := all[1].hears("screen", all[0].session); err != nil {
		return err
	}
	return leaveAll(all)
}

// A screen in AV1, in a section that knows VP8, too, before one who understands it but did not say so.
func mixedScreen(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	board, call := newSwitchboard(n), newID()
	a, err := n.enter(board, call, newID(), nil)
	if err != nil {
		return err
	}
	n.noAV1 = true
	b, err := n.enter(board, call, newID(), nil)
	if err != nil {
		return err
	}
	screen := newTrack(webrtc.MimeTypeAV1, "picture", "screen-"+a.session)
	defer screen.end()
	must(n.rtc(a.session, rtc.ScreenOnMessage, fmt.Sprintf(`{"screenStreamID":"screen-%s"}`, a.session)))
	if err := a.publish(screen.local); err != nil {
		return err
	}
	if err := b.hears("screen", a.session); err != nil {
		return err
	}
	return leaveAll([]*agent{a, b})
}

// One without a data channel is described what it hears on the WebSocket.
func withoutChannel(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	board, call := newSwitchboard(n), newID()
	n.onlySends = true
	own := newTrack(webrtc.MimeTypeOpus, "audio", "own")
	defer own.end()
	a, err := n.enter(board, call, newID(), own)
	if err != nil {
		return err
	}
	n.onlySends = false
	a.deaf.Store(false)
	voice := newTrack(webrtc.MimeTypeOpus, "audio", "voice")
	defer voice.end()
	b, err := n.enter(board, call, newID(), voice)
	if err != nil {
		return err
	}
	if err := a.hears("voice", b.session); err != nil {
		return err
	}
	return leaveAll([]*agent{a, b})
}

// The second who shows its screen is seen when the first has stopped, and need not ask again.
func nextPresenter(s *server) error {
	all, err := s.talkers(3, false)
	if err != nil {
		return err
	}
	a, b, c := all[0], all[1], all[2]
	first, sender, err := a.share()
	if err != nil {
		return err
	}
	if err := c.hears("screen", a.session); err != nil {
		return err
	}
	second, _, err := b.share()
	if err != nil {
		return err
	}
	defer second.end()
	if err := a.stopSharing(first, sender); err != nil {
		return err
	}
	if err := c.hears("screen", b.session); err != nil {
		return err
	}
	return leaveAll(all)
}

// A camera is on air before it is said what it is.
func lateCamera(s *server) error {
	all, err := s.talkers(2, false)
	if err != nil {
		return err
	}
	a, b := all[0], all[1]
	camera := newTrack(webrtc.MimeTypeVP8, "picture", "camera-"+a.session)
	defer camera.end()
	if err := a.publish(camera.local); err != nil {
		return err
	}
	if err := b.silent("video", a.session); err != nil {
		return err
	}
	must(a.n.rtc(a.session, rtc.VideoOnMessage, fmt.Sprintf(`{"videoStreamID":"camera-%s"}`, a.session)))
	if err := b.hears("video", a.session); err != nil {
		return err
	}
	return leaveAll(all)
}

// Of the table's rows those that are seen best by asking for nothing else. They have a server of their
// own, since much of this is waited for in vain.
var differing = []scenario{
	{"a WebSocket with a wrong key is refused by 401", wrongUpgrade, "a WebSocket with wrong credentials"},
	{"who speaks need not answer pings", unanswered, "pings unanswered, but messages come"},
	{"a key of 73 octets is not that of 72", longKey, "keys over 72 octets at a login"},
	{"no profiles for whoever asks", noProfiles, "pprof"},
	{"who comes to four voices is offered them together", offeredTogether, "several tracks come or go"},
	{"a screen in VP8 alone, among those who know AV1", plainScreen, "a screen in VP8 alone"},
	{"a screen in AV1, in a section that knows VP8, too", mixedScreen,
		"a picture in AV1 alone, in a section that knows VP8, too"},
	{"who has no data channel hears by the WebSocket", withoutChannel, "a client without a data channel"},
	{"who shows its screen second is seen next", nextPresenter, "a second session says that it shows its screen"},
	{"a camera that is announced when it is on air", lateCamera, "video that is announced after it came"},
}
