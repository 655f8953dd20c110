package simulate

import (
	"math"
	"math/bits"
)

// dice is a random number generator of one word: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
// number generators", 2014). It is fast, needs no set-up and is good from any seed, so that each person, visit and
// event can have its own.
type dice uint64

// throwFor returns dice for one subject: equal arguments give equal throws, different ones unrelated throws.
func throwFor(seed uint64, subject uint64, purpose purpose) dice {
	return dice(scramble(seed ^ scramble(subject+uint64(purpose)<<56)))
}

// purpose keeps throws about the same number apart.
type purpose uint8

const (
	forPerson purpose = iota + 1
	forName
	forAnonymous
	forBirth
	forVisits
	forBot
	forProduct
	forCompany
	forParcels
	forCalibration
)

func scramble(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (d *dice) next() uint64 {
	z := scramble(uint64(*d))
	*d += 0x9e3779b97f4a7c15
	return z
}

// below returns a number in [0, n). The bias for the small n used here is below 2^-32.
func (d *dice) below(n int) int {
	hi, _ := bits.Mul64(d.next(), uint64(n))
	return int(hi)
}

// between returns a number in [low, high].

// unit returns a number in [0, 1).
func (d *dice) unit() float64 { return float64(d.next()>>11) / (1 << 53) }

// chance is true in a share p of throws.
func (d *dice) chance(p float64) bool { return d.unit() < p }

// skewed returns a number in [0, n) of which low ones are much more frequent, as sales are among products.
func (d *dice) skewed(n int) int {
	u := d.unit()
	return int(u * u * u * float64(n))
}

// waits holds the quantiles of an exponential distribution with mean 1, so that a draw costs no logarithm.
type waits [4096]float64

func newWaits() *waits {
	w := new(waits)
	for i := range w {
		w[i] = -math.Log(1 - (float64(i)+0.5)/float64(len(w)))
	}
	return w
}

// draw returns an exponentially distributed wait with this mean, at most nine times as long.
func (w *waits) draw(d *dice, mean float64) float64 {
	return w[d.next()>>52] * mean
}

// weighted chooses among n things by their weights.
type weighted []float64 // cumulated, the last is 1

func newWeighted[T any](things []T, weight func(T) float64) weighted {
	w := make(weighted, len(things))
	sum := 0.0
	for i, thing := range things {
		sum += weight(thing)
		w[i] = sum
	}
	for i := range w {
		w[i] /= sum
	}
	w[len(w)-1] = 1
	return w
}

func (w weighted) draw(d *dice) int {
	u := d.unit()
	for i, top := range w {
		if u < top {
			return i
		}
	}
	return len(w) - 1
}
