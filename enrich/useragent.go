package enrich

import (
	"strings"

	"github.com/spoorhq/spoor/event"
)

// userAgent fills in the device, the operating system and the browser, where the SDK did not name them.
type userAgent struct {
	agents    *cache[agent]
	libraries *cache[side]
}

func (u userAgent) apply(e *event.Event) error {
	if e.Device.Type != "" {
		e.Device.Type = deviceType(e.Device.Type, e.Device.Model)
	}
	if e.UserAgent == "" {
		if saysNothingOfClient(e) && *u.libraries.get(e.Library.Name) == serverSide {
			e.Device.Type = deviceServer
		}
		return nil
	}
	a := u.agents.get(e.UserAgent)
	if e.OS.Name == "" {
		e.OS = a.os
	}
	if e.Browser.Name == "" {
		e.Browser = a.browser
	}
	if e.Device.Type == "" {
		e.Device.Type = a.device
	}
	if e.Device.Model == "" {
		e.Device.Model = a.model
	}
	return nil
}

// saysNothingOfClient tells whether the event names no client that it happened on.
func saysNothingOfClient(e *event.Event) bool {
	return e.Device == event.Device{} && e.OS.Name == "" && e.IP == ""
}

// bot flags what a program did, by its user agent. The event stays: whoever asks may count it.
type bot struct{ agents *cache[agent] }

func (b bot) apply(e *event.Event) error {
	if e.UserAgent != "" && b.agents.get(e.UserAgent).device == deviceBot {
		e.IsBot, e.Device.Type = true, deviceBot
	}
	return nil
}

// The device types of event.Device.
const (
	deviceDesktop = "desktop"
	deviceMobile  = "mobile"
	deviceTablet  = "tablet"
	deviceTV      = "tv"
	deviceConsole = "console"
	deviceWatch   = "watch"
	deviceBot     = "bot"
	deviceServer  = "server"
)

// deviceTypes are the device types that SDKs send instead, which are the names of their operating systems.
var deviceTypes = [...]struct{ sent, is string }{
	{"android", deviceMobile}, {"ios", deviceMobile}, {"iphone", deviceMobile}, {"phone", deviceMobile}, {"smartphone", deviceMobile},
	{"ipados", deviceTablet}, {"ipad", deviceTablet}, {"tvos", deviceTV}, {"watchos", deviceWatch}, {"macos", deviceDesktop},
	{"windows", deviceDesktop}, {"linux", deviceDesktop}, {deviceDesktop, deviceDesktop}, {deviceMobile, deviceMobile},
	{deviceTablet, deviceTablet}, {deviceTV, deviceTV}, {deviceConsole, deviceConsole}, {deviceWatch, deviceWatch},
	{deviceServer, deviceServer}, {deviceBot, deviceBot},
}

// deviceType makes of the type that an SDK sent one of ours; what it does not know stays.
func deviceType(sent, model string) string {
	for _, t := range deviceTypes {
		if strings.EqualFold(t.sent, sent) {
			if t.is == deviceMobile && strings.HasPrefix(model, "iPad") {
				return deviceTablet
			}
			return t.is
		}
	}
	return sent
}
