package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"git.mills.io/prologic/bitcask"
	"github.com/gorilla/websocket"
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

// A server of its own, for it takes a while until all have authenticated.
func manyKnown() group {
	return group{[]scenario{{"who comes after 1024 clients shares its metrics", sharedMetrics,
		"metrics of more than 1024 clients"}}, (*server).knowsMany}
}
