package main

import (
	"fmt"
	"time"

	"github.com/pion/rtcp"
)

// Rows of the table about key frames that somebody has asked for.

// Two sessions, of which one sees the other's screen, and has asked for nothing in the last second. A picture of it
// is a key frame only when one was asked for, and not each time.
func (s *server) watched() (a, b *agent, screen *source, err error) {
	if a, err = s.alone(false); err != nil {
		return nil, nil, nil, err
	}
	if screen, err = a.sparse(); err != nil {
		return nil, nil, nil, err
	}
	a.n.patient = true
	if b, err = s.another(a); err != nil {
		return nil, nil, nil, err
	}
	if err = b.hears("screen", a.session); err != nil {
		return nil, nil, nil, err
	}
	time.Sleep(1500 * time.Millisecond)
	return a, b, screen, nil
}

// Asks for a key frame of the screen once.
func (a *agent) wantsKey(of *agent) {
	must(a.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: a.of("screen", of.session).ssrc}}))
}

func (a *agent) seesKeys(of *agent, count int) error {
	what := fmt.Sprintf("%d key frames", count)
	return until(5*time.Second, what, func() bool { return a.of("screen", of.session).keys >= count })
}

// What the viewer asks for gets lost on its way to the sender, twice.
func lostRequests(s *server) error {
	a, b, screen, err := s.watched()
	if err != nil {
		return err
	}
	defer close(screen.stop)
	before := b.of("screen", a.session).keys
	screen.losing.Store(2)
	b.wantsKey(a)
	if err := b.seesKeys(a, before+1); err != nil {
		return err
	}
	return leaveAll([]*agent{a, b})
}

// A key frame has just come, and gets lost: the viewer asks for another.
func askedAgain(s *server) error {
	a, b, screen, err := s.watched()
	if err != nil {
		return err
	}
	defer close(screen.stop)
	before := b.of("screen", a.session).keys
	for i := range 2 {
		b.wantsKey(a)
		if err := b.seesKeys(a, before+1+i); err != nil {
			return err
		}
	}
	return leaveAll([]*agent{a, b})
}
