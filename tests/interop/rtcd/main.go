// Drives Sluice as rtcd's own Go client does, and the real rtcd beside it: what both are asked, and
// where they differ.
//
//	rtcd-interop [only=WORDS] [client=BINARY] [echo=BINARY] [embed=BINARY] differences=docs/rtcd.md
//		sluice=BINARY [rtcd=BINARY]
//	rtcd-interop bench JSON [--check] sluice=BINARY rtcd=BINARY
//	rtcd-interop front listen=ADDRESS:PORT rtcd=URL
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func try(s *server, run func(*server) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return run(s)
}

func begin(name, binary string, all group) (*server, error) {
	s := newServer(name, binary)
	return s, try(s, func(s *server) error {
		if all.env != nil {
			s.env = all.env(s)
		}
		return s.start()
	})
}

// Runs those whose names hold `only` against one server.
func runAll(name, binary, only string, all group, seen *sightings) (passed, failed int64) {
	var s *server
	defer func() {
		if s != nil {
			s.kill()
		}
	}()
	for _, sc := range all.scenarios {
		if !strings.Contains(sc.name, only) {
			continue
		}
		var err error
		if s == nil {
			s, err = begin(name, binary, all)
		}
		from := time.Now()
		if err == nil {
			err = try(s, sc.run)
		}
		died := ""
		if err != nil {
			died = s.died()
		}
		if died != "" && name != "sluice" { // it does, now and then, of a flood that came before
			fmt.Printf("     %s died, before the end of %q, and is started anew: %s\n", name, sc.name, cause(died))
			s.kill()
			if s, err = begin(name, binary, all); err == nil {
				err = try(s, sc.run)
			}
		}
		if name != "sluice" && sc.differs != "" {
			seen.note(sc.differs, err != nil)
		}
		if sc.differs != "" && !differences[sc.differs] {
			err = fmt.Errorf("no row of the table is about %q (%v)", sc.differs, err)
		}
		took := time.Since(from).Round(100 * time.Millisecond)
		switch {
		case err == nil:
			fmt.Printf("ok   %s: %s (%v)\n", name, sc.name, took)
			passed++
		case name != "sluice" && differences[sc.differs]:
			fmt.Printf("ok   %s differs: %s (%s)\n", name, sc.name, sc.differs)
			passed++
		default:
			fmt.Printf("FAIL %s: %s: %v\n", name, sc.name, err)
			failed++
		}
		if died != "" && name == "sluice" {
			fmt.Printf("FAIL %s: the server ended:\n%s\n", name, died)
			return passed, failed + 1
		}
	}
	return passed, failed
}

// The line that says why.
func cause(words string) string {
	for _, line := range strings.Split(words, "\n") {
		if strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") {
			return line
		}
	}
	return strings.SplitN(words, "\n", 2)[0]
}

func main() {
	log.SetOutput(io.Discard) // rtcd's client tells each try to reach a server that has gone
	if len(os.Args) > 3 && os.Args[1] == "bench" {
		os.Exit(bench(os.Args[2], os.Args[3:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "front" {
		os.Exit(runFront(os.Args[2:]))
	}
	if len(os.Args) > 3 && os.Args[1] == "listeners" {
		os.Exit(benchListeners(os.Args[2], os.Args[3:]))
	}
	only, servers := "", map[string]string{}
	for _, arg := range os.Args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "only":
			only = value
		case "client":
			lineClient = value
		case "echo":
			lineEcho = value
		case "differences":
			readDifferences(value)
		case "embed":
			lineServer = value
		default:
			servers[name] = value
		}
	}
	own := newIdentity() // before anybody asks whom this machine trusts
	defer own.forget()
	seen := &sightings{rows: map[string]bool{}}
	var passed, failed atomic.Int64
	var all sync.WaitGroup
	for name, binary := range servers { // side by side: most of the time is waiting
		asked := groups(own)
		for _, part := range [][]group{asked[:1], asked[1:], {{scenarios: differing}, {scenarios: moreDiffering}},
			{manyKnown()}} {
			all.Add(1)
			go func() {
				defer all.Done()
				for _, g := range part {
					p, f := runAll(name, binary, only, g, seen)
					passed.Add(p)
					failed.Add(f)
				}
			}()
		}
	}
	all.Wait()
	for _, row := range seen.stale() {
		fmt.Printf("FAIL rtcd does so, too: the row of the table about %q is stale\n", row)
		failed.Add(1)
	}
	fmt.Printf("%d passed, %d failed\n", passed.Load(), failed.Load())
	if failed.Load() > 0 {
		own.forget()
		os.Exit(1)
	}
}

// Those that share a server, and what that is told besides.
type group struct {
	scenarios []scenario
	env       func(s *server) []string
}

func groups(own *identity) []group {
	all := []group{{scenarios: slices.Concat(mannerScenarios, scenarios)},
		{scenarios: slices.Concat(channelScenarios, soundScenarios, participantScenarios)}}
	for _, sc := range endings {
		all = append(all, group{scenarios: []scenario{sc}})
	}
	return append(slices.Concat(all, networks(), guarded(), differingServers()), secured(own))
}
