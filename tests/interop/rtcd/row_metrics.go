package main

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"git.mills.io/prologic/bitcask"
	"github.com/gorilla/websocket"
	"github.com/pion/rtp"
	"golang.org/x/crypto/bcrypt"
)

// Rows of the table about metrics of many clients.

const (
	ownMetrics  = 1024 // clients that have
	manyClients = ownMetrics + 6
)

var theirKey = newKey() // of all of them

func manyName(i int) string { return fmt.Sprintf("client-%d", i) }

// A store of rtcd's that knows many clients, by hashes that are soon checked.
func writeStore(dir string) {
	hash, err := bcrypt.GenerateFromPassword([]byte(theirKey), bcrypt.MinCost)
	must(err)
	store, err := bitcask.Open(dir)
	must(err)
	for i := range manyClients {
		must(store.Put([]byte(manyName(i)), hash))
	}
	must(store.Close())
}

// Before it starts, for the first time.
func (s *server) knowsMany() []string {
	own := filepath.Join(s.dir, "store")
	if s.name != "sluice" {
		writeStore(own)
		return nil
	}
	old := filepath.Join(s.dir, "old")
	writeStore(old)
	text, err := exec.Command(s.binary, "import-rtcd", "--store.directory="+own, old).CombinedOutput()
	if want := fmt.Sprintf("%d clients taken over, 0 known already, 0 left out\n", manyClients); err != nil ||
		string(text) != want {
		panic(fmt.Sprintf("import-rtcd: %v: %s", err, text))
	}
	return nil
}

// Of many clients each says something, once.
func sharedMetrics(s *server) error {
	if err := together(manyClients, func(i int) error {
		ws, _, err := s.greeted(basic(manyName(i), theirKey))
		if err != nil {
			return err
		}
		defer ws.Close()
		return ws.WriteMessage(websocket.BinaryMessage, packed("leave", map[string]string{"sessionID": "nobody"}))
	}); err != nil {
		return err
	}
	own, rest := 0, ""
	if until(wait, "", func() bool {
		own, rest = 0, ""
		for _, line := range strings.Split(s.metricsText(), "\n") {
			name, count, _ := strings.Cut(line, "\",direction=\"in\",type=\"leave\"} ")
			switch name, is := strings.CutPrefix(name, "rtcd_ws_messages_total{clientID=\""); {
			case is && name == "":
				rest = count
			case is && count == "1":
				own++
			}
		}
		return own == ownMetrics && rest == fmt.Sprint(manyClients-ownMetrics)
	}) != nil {
		return fmt.Errorf("%d have metrics of their own, and of all others %q is told", own, rest)
	}
	return nil
}

// Of all workers: what was dropped for that reason.
func (s *server) dropped(reason string) (sum int) {
	for _, line := range strings.Split(s.metricsText(), "\n") {
		rest, is := strings.CutPrefix(line, "sluice_dropped_total{")
		if is && strings.Contains(rest, fmt.Sprintf("reason=%q", reason)) {
			_, count, _ := strings.Cut(rest, "} ")
			n, err := strconv.Atoi(count)
			must(err)
			sum += n
		}
	}
	return sum
}

// A picture of more packets than rtcd's queues have room for; then a packet that is nobody's.
func lostPackets(s *server) error {
	const viewers, many = 10, 5000
	all, err := s.talkers(1+viewers, false)
	if err != nil {
		return err
	}
	screen, _, err := all[0].share()
	if err != nil {
		return err
	}
	defer screen.end()
	for _, a := range all[1:] {
		if err := a.hears("screen", all[0].session); err != nil {
			return err
		}
	}
	burst := rtp.Packet{Header: rtp.Header{Version: 2}, Payload: make([]byte, 100)}
	for i := range many {
		burst.SequenceNumber = uint16(i)
		must(screen.local.WriteRTP(&burst))
	}
	time.Sleep(time.Second)
	if line := regexp.MustCompile(`(?m)^rtcd_rtc_errors_total.*type="rtp".*$`).FindString(s.metricsText()); line != "" {
		return fmt.Errorf("there is %s", line)
	}
	before := s.dropped("stray")
	stranger, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", s.media))
	must(err)
	defer stranger.Close()
	if _, err := stranger.Write([]byte{0x80, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}); err != nil {
		return err
	}
	if err := until(wait, "it is counted", func() bool { return s.dropped("stray") == before+1 }); err != nil {
		return err
	}
	return leaveAll(all)
}

// An offer that crosses one of the server's is not answered, and counted.
func crossingOffer(s *server) error {
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
	time.Sleep(time.Second)
	if err := a.offer(); err != nil {
		return err
	}
	if err := s.tells(fmt.Sprintf(`rtcd_rtc_errors_total{groupID=%q,type="signaling"} 1`, a.n.id)); err != nil {
		return err
	}
	if told := a.story(); strings.Count(told, "answer") > 1 {
		return fmt.Errorf("it is told %s", told)
	}
	return leaveAll(all)
}

// A server of its own, for it takes a while until all have authenticated.
func manyKnown() group {
	return group{[]scenario{{"who comes after 1024 clients shares its metrics", sharedMetrics,
		"metrics of more than 1024 clients"}}, (*server).knowsMany}
}
