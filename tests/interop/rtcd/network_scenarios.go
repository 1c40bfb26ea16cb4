package main

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pion/webrtc/v4"
)

// Sessions that reach the server by one kind of network, and one by another; they hear each other.
func reachedBy(over, other webrtc.NetworkType) func(s *server) error {
	return func(s *server) error {
		n, err := s.connected()
		if err != nil {
			return err
		}
		n.viaChannel, n.noAV1 = true, true
		board, call, all := newSwitchboard(n), newID(), []*agent{}
		for _, by := range []webrtc.NetworkType{over, over, other} {
			n.over = []webrtc.NetworkType{by}
			a, err := n.enter(board, call, newID(), nil)
			if err != nil {
				return fmt.Errorf("by %v: %w", by, err)
			}
			pair, err := a.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
			if err != nil || strings.ToLower(pair.Remote.Protocol.String()) != by.String()[:3] {
				return fmt.Errorf("by %v it is on %v (%v)", by, pair, err)
			}
			all = append(all, a)
		}
		for i, a := range all {
			voice, err := a.speak()
			if err != nil {
				return err
			}
			defer voice.end()
			for k, b := range all {
				if i == k {
					continue
				}
				if err := b.hears("voice", a.session); err != nil {
					return err
				}
			}
		}
		screen, _, err := all[0].share()
		if err != nil {
			return err
		}
		defer screen.end()
		for _, b := range all[1:] {
			if err := b.hears("screen", all[0].session); err != nil {
				return err
			}
		}
		return leaveAll(all)
	}
}

// "udp 127.0.0.1 8443" of each path that it was told; those in the answer count where none was told
// by itself.
func (a *agent) toldPaths() []string {
	a.mu.Lock()
	lines := slices.Clone(a.paths)
	a.mu.Unlock()
	if len(lines) == 0 {
		lines = strings.Split(a.pc.RemoteDescription().SDP, "\r\n")
	}
	var all []string
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) > 7 && strings.Contains(f[0], "candidate:") {
			all = append(all, strings.ToLower(f[2])+" "+f[4]+" "+f[5])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// An address of this machine that others may know.
func ownAddress() string {
	addrs, err := net.InterfaceAddrs()
	must(err)
	for _, a := range addrs {
		if ip, is := a.(*net.IPNet); is && ip.IP.To4() != nil && ip.IP.IsGlobalUnicast() {
			return ip.IP.String()
		}
	}
	panic("this machine has no address but its own")
}

const elsewhere = "198.51.100.7" // nobody's (RFC 5737)

func overridden(s *server) error {
	all, err := s.talkers(2, false)
	if err != nil {
		return err
	}
	var want []string
	for _, protocol := range []string{"tcp", "udp"} {
		want = append(want, fmt.Sprintf("%s 127.0.0.1 %d", protocol, s.media),
			fmt.Sprintf("%s %s %d", protocol, elsewhere, s.outside))
	}
	if err := until(wait, "all paths are told", func() bool { return len(all[0].toldPaths()) >= len(want) }); err != nil {
		return err
	}
	if got := all[0].toldPaths(); !slices.Equal(got, want) {
		return fmt.Errorf("told %v, not %v", got, want)
	}
	voice, err := all[0].speak()
	if err != nil {
		return err
	}
	defer voice.end()
	if err := all[1].hears("voice", all[0].session); err != nil {
		return err
	}
	return leaveAll(all)
}

// What a NAT does that lets a port of its own through to the server.
type forwarding struct {
	out    *net.UDPConn
	to     *net.UDPAddr
	mu     sync.Mutex
	ways   map[string]*net.UDPConn // by who came
	passed atomic.Int64
}

func newForwarding(from string, to int) (*forwarding, error) {
	at, err := net.ResolveUDPAddr("udp4", from)
	must(err)
	f := &forwarding{to: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: to}, ways: map[string]*net.UDPConn{}}
	if f.out, err = net.ListenUDP("udp4", at); err != nil {
		return nil, err
	}
	go func() {
		buf := make([]byte, 2048)
		for {
			n, who, err := f.out.ReadFromUDP(buf)
			if err != nil {
				return
			}
			if way := f.way(who); way != nil {
				f.passed.Add(1)
				_, _ = way.Write(buf[:n])
			}
		}
	}()
	return f, nil
}

func (f *forwarding) way(who *net.UDPAddr) *net.UDPConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	if way := f.ways[who.String()]; way != nil {
		return way
	}
	way, err := net.DialUDP("udp4", nil, f.to)
	if err != nil {
		return nil
	}
	f.ways[who.String()] = way
	go func() {
		buf := make([]byte, 2048)
		for {
			n, err := way.Read(buf)
			if err != nil {
				return
			}
			_, _ = f.out.WriteToUDP(buf[:n], who)
		}
	}()
	return way
}

func (f *forwarding) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.out.Close()
	for _, way := range f.ways {
		_ = way.Close()
	}
}

const gate = "127.0.0.3"

func forwarded(s *server) error {
	f, err := newForwarding(fmt.Sprintf("%s:%d", gate, s.outside), s.media)
	if err != nil {
		return err
	}
	defer f.end()
	n, err := s.connected()
	if err != nil {
		return err
	}
	if err := n.voices(); err != nil {
		return err
	}
	if f.passed.Load() == 0 {
		return fmt.Errorf("nobody came by the port that was told")
	}
	return nil
}

// A call with more tracks than rtcd's queue has room for; who joins it then hears all.
func manyTracks(s *server) error {
	const many = 120
	n, err := s.connected()
	if err != nil {
		return err
	}
	board, call, all := newSwitchboard(n), newID(), make([]*agent, many)
	n.onlySends = true
	if err := together(many, func(i int) (err error) {
		id := newID()
		all[i], err = n.enter(board, call, id, newRareTrack(webrtc.MimeTypeOpus, "audio", "stream-"+id))
		return err
	}); err != nil {
		return err
	}
	n.onlySends = false
	late, err := n.enter(board, call, newID(), nil)
	if err != nil {
		return err
	}
	heard := func() (count int) {
		for _, a := range all {
			if late.of("voice", a.session) != nil {
				count++
			}
		}
		return count
	}
	for before := -1; heard() > before && before < many; {
		before = heard()
		_ = until(wait, "one more", func() bool { return heard() > before })
	}
	if got := heard(); got < many {
		return fmt.Errorf("%d of %d voices are heard", got, many)
	}
	return leaveAll(append(all, late))
}

// Each with a server of its own.
func networks() []group {
	all := []group{
		{[]scenario{{"by TCP, as well as by UDP", reachedBy(webrtc.NetworkTypeTCP4, webrtc.NetworkTypeUDP4),
			"a client that comes by TCP alone"},
			{"who joins a call of 120 voices hears all", manyTracks, "more than 100 tracks when a session joins"}}, nil},
		{[]scenario{{"an address and a port that stand for its own", overridden, ""},
			{"which are in the answer, too", overriddenInside, "`ice_host_port_override`"}}, func(s *server) []string {
			own := "127.0.0.1," + ownAddress()
			return []string{"RTCD_RTC_ICEADDRESSUDP=" + own, "RTCD_RTC_ICEADDRESSTCP=" + own,
				"RTCD_RTC_ICEHOSTOVERRIDE=" + elsewhere, fmt.Sprintf("RTCD_RTC_ICEHOSTPORTOVERRIDE=%d", s.outside)}
		}},
		{[]scenario{{"a port that is forwarded", forwarded, ""}}, func(s *server) []string {
			return []string{"RTCD_RTC_ICEHOSTOVERRIDE=" + gate + "/127.0.0.1",
				fmt.Sprintf("RTCD_RTC_ICEHOSTPORTOVERRIDE=%d", s.outside)}
		}},
	}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil { // a machine may have no IPv6
		_ = l.Close()
		all = append(all, group{
			[]scenario{{"by IPv6", reachedBy(webrtc.NetworkTypeUDP6, webrtc.NetworkTypeUDP6), ""},
				{"by IPv6 and TCP", reachedBy(webrtc.NetworkTypeTCP6, webrtc.NetworkTypeUDP6),
					"candidates over TCP by IPv6"}},
			func(s *server) []string {
				return []string{"RTCD_RTC_ENABLEIPV6=true", "RTCD_RTC_ICEADDRESSUDP=::1", "RTCD_RTC_ICEADDRESSTCP=::1"}
			}})
	}
	return all
}
