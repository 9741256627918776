//go:build race

package main

// underRace: the race detector makes everything several times slower, so tests of much data take less of it.
const underRace = true
