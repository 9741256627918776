package r4

import "testing"

// BenchmarkElement is the look-up on the path of each element of each stored document; the map is the limit to beat.
func BenchmarkElement(b *testing.B) {
	s := Resource("Observation")
	names := []string{"id", "meta", "status", "category", "code", "subject", "encounter", "effectiveDateTime", "issued", "valueQuantity"}
	b.Run("table", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if s.Element(names[i%len(names)]) == nil {
				b.Fatal("lost an element")
			}
		}
	})
	m := map[string]*Element{}
	for _, e := range s.Elements {
		m[e.Name] = e
	}
	b.Run("map", func(b *testing.B) {
		for i := range b.N {
			if m[names[i%len(names)]] == nil {
				b.Fatal("lost an element")
			}
		}
	})
}

func BenchmarkResource(b *testing.B) {
	for b.Loop() {
		if Resource("Observation") == nil {
			b.Fatal("lost a type")
		}
	}
}

// BenchmarkLoad is what the tables cost a process once.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		loadStructures()
		loadParameters()
	}
}
