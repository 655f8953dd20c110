package simulate

// naming is a stock of names that go together.
type naming uint8

const (
	english naming = iota
	german
	french
	spanish
	portuguese
	italian
	nordic
	polish
	turkish
	indian
	japanese
	korean
	arabic
)

// stock has first and last names; address names are what the same names look like in an e-mail address.
type stock struct{ first, last []string }

var stocks = [...]stock{
	english: {[]string{"Olivia", "Liam", "Emma", "Noah", "Ava", "James", "Grace", "Ethan", "Chloe", "Mason", "Zoe", "Siobhán"},
		[]string{"Smith", "Johnson", "Williams", "Brown", "Taylor", "O'Connor", "Walker", "Hughes", "Wright", "MacDonald", "Okafor", "Lee"}},
	german: {[]string{"Lena", "Jonas", "Mia", "Finn", "Hannah", "Paul", "Jürgen", "Sofie", "Emil", "Käthe"},
		[]string{"Müller", "Schmidt", "Fischer", "Weber", "Schäfer", "van den Berg", "Groß", "Braun", "Jansen", "Zürcher"}},
	french: {[]string{"Camille", "Hugo", "Léa", "Lucas", "Chloé", "Théo", "Zoë", "François", "Inès", "Jean-Baptiste"},
		[]string{"Martin", "Bernard", "Dubois", "Lefèvre", "Moreau", "d'Aubigné", "Garnier", "Faure", "Roux", "Côté"}},
	spanish: {[]string{"Lucía", "Mateo", "Sofía", "Diego", "Martina", "Álvaro", "Ximena", "José", "Begoña", "Iñaki"},
		[]string{"García", "Rodríguez", "Hernández", "López", "Núñez", "Ruiz", "de la Cruz", "Ibáñez", "Peña", "Torres"}},
	portuguese: {[]string{"Ana", "João", "Beatriz", "Tiago", "Conceição", "Rafael", "Júlia", "Caio"},
		[]string{"Silva", "Souza", "Oliveira", "Araújo", "Gonçalves", "dos Santos", "Magalhães", "Lima"}},
	italian: {[]string{"Giulia", "Leonardo", "Aurora", "Matteo", "Chiara", "Niccolò", "Noemi", "Luca"},
		[]string{"Rossi", "Russo", "Ferrari", "Esposito", "D'Angelo", "Lo Presti", "Nicolò", "Conti"}},
	nordic: {[]string{"Astrid", "Lars", "Freja", "Björn", "Åsa", "Søren", "Ingrid", "Håkon"},
		[]string{"Andersson", "Hansen", "Lindqvist", "Ødegård", "Åkesson", "Nilsen", "Sjöberg", "Dahl"}},
	polish: {[]string{"Zofia", "Jakub", "Małgorzata", "Paweł", "Agnieszka", "Łukasz", "Hanna", "Michał"},
		[]string{"Nowak", "Kowalska", "Wiśniewski", "Wójcik", "Kamiński", "Zieliński", "Dąbrowska", "Szczęsny"}},
	turkish: {[]string{"Zeynep", "Mehmet", "Elif", "Ömer", "Gül", "Çağla", "İpek", "Barış"},
		[]string{"Yılmaz", "Kaya", "Demir", "Şahin", "Çelik", "Öztürk", "Aydın", "Güneş"}},
	indian: {[]string{"Aarav", "Priya", "Rohan", "Ananya", "Vikram", "Meera", "आरव", "Sita"},
		[]string{"Sharma", "Patel", "Iyer", "Singh", "Gupta", "Nair", "Thapa", "Venkatanarasimharajuvaripeta"}},
	japanese: {[]string{"陽葵", "Haruto", "Yui", "蓮", "Sakura", "Ren", "Aoi", "健太"},
		[]string{"佐藤", "Suzuki", "高橋", "Tanaka", "Watanabe", "伊藤", "Yamamoto", "Kobayashi"}},
	korean: {[]string{"서연", "Min-jun", "Ji-woo", "도윤", "Ha-eun", "Seo-jun"},
		[]string{"김", "Lee", "박", "Choi", "Jung", "Kang"}},
	arabic: {[]string{"فاطمة", "Omar", "Layla", "محمد", "Noura", "Yousef"},
		[]string{"Al Maktoum", "Haddad", "الشامسي", "Nasser", "Khalil", "bin Rashid"}},
}

// ugly holds what people and programs really put into text. Each must come out of the warehouse as it went in.
var ugly = [...]string{
	"🙂", "👩‍👩‍👧‍👦 family 🏳️‍🌈", "\"quoted\" 'text'", `back\slash \n \u0041`, "new\nline\tand tab", "<script>alert(1)</script>",
	"'; drop table events; --", "null", "NaN", "ﷺ ﷽", "Z͑ͫ̓a̴͜lgo", "  spaces around  ", "100% & more = <b>", "{\"json\": [1, 2]}",
	"line\u2028separator", "\u200fright to left\u200e", "ｆｕｌｌｗｉｄｔｈ", "naïve café, déjà-vu", "1e309", "-0", "0042", "true", "", "C:\\temp\\x",
	"a very long text that somebody pasted into a field meant for two words: " +
		"the quick brown fox jumps over the lazy dog, and then it does so again and again because nobody set a limit on this field; " +
		"the quick brown fox jumps over the lazy dog, and then it does so again and again because nobody set a limit on this field",
}

// companyWords begin the names of companies, as inside a JSON string.
var companyWords = [...]string{"Atlas", "Blue Door", "Côte & Fils", "Delta", "Evergreen", `\"Fast\" Freight`, "Grün", "Hexagon"}
