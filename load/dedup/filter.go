package dedup

import "math/bits"

// filter says which keys a run cannot hold, so that a new key seldom costs a read. It is a Bloom filter in planes: each
// plane is a bitmap of two bits a key in which each key sets one bit, so that 39% of them are set and k planes let 0.39^k
// of the other keys through (seven 0.1%, four 2.4%, two 15%: nearly what the best Bloom filter of that size does).
// Without its last plane a filter is coarser and that much smaller, and nothing needs to be computed: so memory is got
// back when ids grow many. Without any it lets all through.
//
// A key's line of 512 bits is found by proportion, as its place in the run is, so a filter is written from left to right
// as the run is; nine bits of the key's lower half choose the bit in each plane.
type filter struct {
	lines  uint64
	planes [][]uint64
}

const (
	maxPlanes   = 7   // nine bits each, of 64
	keysPerLine = 256 // 512 bits
	lineWords   = 512 / 64
	lineBytes   = lineWords * 8
)

// planeBytes is the size of one plane for n keys.
func planeBytes(n int64) int64 { return (n/keysPerLine + 1) * lineBytes }

func newFilter(n int64, planes int) filter {
	f := filter{lines: uint64(n/keysPerLine + 1), planes: make([][]uint64, planes)}
	for p := range f.planes {
		f.planes[p] = make([]uint64, f.lines*lineWords)
	}
	return f
}

func (f *filter) bytes() int64 { return int64(len(f.planes)) * int64(f.lines) * lineBytes }

// word returns where in plane p the key's bit is.
func (f *filter) word(key Key, p int) (word uint64, bit uint64) {
	line, _ := bits.Mul64(key.hi, f.lines)
	b := key.lo >> (9 * p)
	return line*lineWords + b>>6&(lineWords-1), b & 63
}

func (f *filter) add(key Key) {
	for p, plane := range f.planes {
		word, bit := f.word(key, p)
		plane[word] |= 1 << bit
	}
}

// maybe puts into out, and returns, those of the candidates (indexes into keys) that the filter lets through. out is as
// long as candidates or longer.
func (f *filter) maybe(keys []Key, candidates, out []uint16) []uint16 {
	out = out[:len(candidates)]
	copy(out, candidates)
	for p, plane := range f.planes {
		n := 0
		for _, c := range out {
			word, bit := f.word(keys[c], p)
			out[n] = c
			n += int(plane[word] >> bit & 1)
		}
		out = out[:n]
	}
	return out
}

// coarsen gives one plane back.
func (f *filter) coarsen() {
	last := len(f.planes) - 1
	f.planes[last] = nil
	f.planes = f.planes[:last]
}
