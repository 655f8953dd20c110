package bench

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Machine is where and when something was measured, and with which Spoor.
type Machine struct {
	Date    string `json:"date"`
	Version string `json:"version"`
	Go      string `json:"go"`
	CPUs    int    `json:"cpus"`
	CPU     string `json:"cpu"`
	Memory  string `json:"memory"`
	Load    string `json:"load"` // average of the minute before
}

// ThisMachine describes the one that this runs on.
func ThisMachine(version string) Machine {
	load := "unknown"
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ = strings.Cut(string(text), " ")
	}
	return Machine{
		Date: time.Now().Format(time.DateTime), Version: version, Go: runtime.Version(),
		CPUs: runtime.NumCPU(), CPU: cpuModel(), Memory: memTotal(), Load: load,
	}
}

func (m Machine) String() string {
	return fmt.Sprintf("%d × %s, %s, %s; version %s; load average before: %s", m.CPUs, m.CPU, m.Memory, m.Go, m.Version, m.Load)
}
