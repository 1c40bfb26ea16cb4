// Drives Sluice as rtcd's own Go client does, and the real rtcd beside it: what both are asked, and
// where they differ.
//
//	rtcd-interop [only=WORD] [client=BINARY] [embed=BINARY] sluice=BINARY [rtcd=BINARY]
//	rtcd-interop bench JSON [--check] sluice=BINARY rtcd=BINARY
//
// The first three stand before the servers that they are for.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
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

// Runs those whose names hold `only` against one server.
func runAll(name, binary, only string, all []scenario) (passed, failed int) {
	var s *server
	for _, sc := range all {
		if !strings.Contains(sc.name, only) {
			continue
		}
		if s == nil {
			s = newServer(name, binary)
			defer s.kill()
			if err := s.start(); err != nil {
				fmt.Println("FAIL", err)
				return passed, failed + 1
			}
		}
		err := try(s, sc.run)
		switch {
		case err == nil:
			fmt.Printf("ok   %s: %s\n", name, sc.name)
			passed++
		case name != "sluice" && sc.differs != "":
			fmt.Printf("ok   %s differs: %s (%s)\n", name, sc.name, sc.differs)
			passed++
		default:
			fmt.Printf("FAIL %s: %s: %v\n", name, sc.name, err)
			failed++
		}
	}
	return passed, failed
}

func main() {
	log.SetOutput(io.Discard) // rtcd's client tells each try to reach a server that has gone
	if len(os.Args) > 3 && os.Args[1] == "bench" {
		os.Exit(bench(os.Args[2], os.Args[3:]))
	}
	passed, failed, only := 0, 0, ""
	for _, arg := range os.Args[1:] {
		name, binary, _ := strings.Cut(arg, "=")
		switch name {
		case "only":
			only = binary
			continue
		case "client":
			lineClient = binary
			continue
		case "embed":
			lineServer = binary
			continue
		}
		groups := [][]scenario{slices.Concat(scenarios, channelScenarios, participantScenarios)}
		for _, sc := range endings {
			groups = append(groups, []scenario{sc})
		}
		for _, group := range groups {
			p, f := runAll(name, binary, only, group)
			passed += p
			failed += f
		}
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
