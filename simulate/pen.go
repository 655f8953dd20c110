package simulate

// pen writes a JSON object member by member. Every member is written with a comma in front; the first one's becomes the
// brace when the object is closed. Keys and texts are as inside a JSON string.
type pen struct{ b []byte }

// open begins an object and returns what close needs.
func (w *pen) open() int { return len(w.b) }

// openAs begins an object that is a member.
func (w *pen) openAs(key string) int {
	w.key(key)
	return len(w.b)
}

func (w *pen) close(start int) {
	if len(w.b) == start {
		w.b = append(w.b, "{}"...)
		return
	}
	w.b[start] = '{'
	w.b = append(w.b, '}')
}

// key writes what stands before a value.
func (w *pen) key(key string) {
	w.b = append(w.b, ',', '"')
	w.b = append(w.b, key...)
	w.b = append(w.b, '"', ':')
}

func (w *pen) text(key, value string) {
	w.key(key)
	w.b = append(w.b, '"')
	w.b = append(w.b, value...)
	w.b = append(w.b, '"')
}

// label writes a text that consists of a fixed and a numbered part.
func (w *pen) label(key, fixed string, number int) {
	w.key(key)
	w.b = append(w.b, '"')
	w.b = append(w.b, fixed...)
	w.b = appendInt(w.b, number)
	w.b = append(w.b, '"')
}

func (w *pen) int(key string, n int) {
	w.key(key)
	w.b = appendInt(w.b, n)
}

func (w *pen) money(key string, cents int) {
	w.key(key)
	w.b = appendMoney(w.b, cents)
}

func (w *pen) bool(key string, is bool) {
	if is {
		w.raw(key, "true")
	} else {
		w.raw(key, "false")
	}
}

// date writes the day of a time in milliseconds.
func (w *pen) date(key string, ms int64) {
	w.key(key)
	w.b = append(w.b, '"')
	w.b = appendDate(w.b, ms)
	w.b = append(w.b, '"')
}

// raw writes a value that is JSON already.
func (w *pen) raw(key, value string) {
	w.key(key)
	w.b = append(w.b, value...)
}

// member writes a member, key and all, that is JSON already.
func (w *pen) member(json string) {
	w.b = append(w.b, ',')
	w.b = append(w.b, json...)
}

// pick writes one of several texts.
func (w *pen) pick(key string, d *dice, from ...string) { w.text(key, from[d.below(len(from))]) }
