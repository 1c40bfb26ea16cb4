package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"
)

// A row of the table about who does not read its data channel.

const (
	unreadOctets = 64 << 10 // that its own end keeps
	manyVoices   = 30       // of one session
)

// Long, since it is told with each voice.
func longID() string { return newID() + strings.Repeat("x", 90) }

func (a *agent) taken() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.offers
}

// A session that is described what it hears on the WebSocket, and on the data channel what its sections carry; and
// others with many voices.
func (s *server) mapped() (a *agent, others []*agent, voices []*track, err error) {
	n, err := s.connected()
	if err != nil {
		return nil, nil, nil, err
	}
	board, call := newSwitchboard(n), newID()
	n.noAV1, n.window = true, unreadOctets
	if a, err = n.enter(board, call, longID(), nil); err != nil {
		return nil, nil, nil, err
	}
	n.window = 0
	for range 3 {
		b, err := n.enter(board, call, longID(), nil)
		if err != nil {
			return nil, nil, nil, err
		}
		others = append(others, b)
		if err := b.change(func() error {
			for range manyVoices {
				voice := newRareTrack(webrtc.MimeTypeOpus, newID(), newID())
				voices = append(voices, voice)
				if _, err := b.pc.AddTrack(voice.local); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return nil, nil, nil, err
		}
	}
	return a, others, voices, until(wait, "all voices are told", func() bool {
		return len(a.mediaMap()) == len(voices)
	})
}

// Shows a screen, and stops that; true: a was offered the one and the other.
func (a *agent) followsScreen(of *agent) (bool, error) {
	offered := func() func() bool {
		before := a.taken()
		return func() bool { return a.taken() > before }
	}
	more := offered()
	screen, sender, err := of.share()
	if err != nil {
		return false, err
	}
	follows := until(3*time.Second, "", more) == nil
	more = offered()
	if err := of.stopSharing(screen, sender); err != nil {
		return false, err
	}
	return follows && until(3*time.Second, "", more) == nil, nil
}

// Who reads nothing is offered nothing, once as much waits for it as is kept for one; all others go on, and it
// misses nothing of what came meanwhile.
func unreadChannel(s *server) error {
	const changes = 80
	a, others, voices, err := s.mapped()
	voice := newTrack(webrtc.MimeTypeOpus, "audio", newID())
	defer func() {
		for _, t := range append(voices, voice) {
			t.end()
		}
	}()
	if err != nil {
		return err
	}
	a.reading.Lock()
	follows := true
	for i := 0; i < changes && follows && err == nil; i++ {
		follows, err = a.followsScreen(others[0])
	}
	if err == nil && follows {
		err = fmt.Errorf("with %d offers for it, none of them read, there are more", 2*changes)
	}
	offers := a.taken()
	var late *agent
	if err == nil {
		late, err = a.n.enter(a.board, a.call, longID(), voice)
	}
	if err == nil {
		err = others[1].hears("voice", late.session)
	}
	if err == nil && a.taken() > offers {
		err = fmt.Errorf("it was offered more: %d, after %d", a.taken(), offers)
	}
	if err == nil {
		err = s.some("sluice_rtcd_channel_full_total")
	}
	a.reading.Unlock()
	if err != nil {
		return err
	}
	if err := a.hears("voice", late.session); err != nil {
		return err
	}
	for _, info := range a.mediaMap() {
		if info.Type == "voice" && info.SenderID == late.session {
			return leaveAll(append(others, a, late))
		}
	}
	return fmt.Errorf("what its sections carry is %v", a.mediaMap())
}
