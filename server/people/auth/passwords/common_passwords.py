"""The passwords that are tried first, because so many people choose them.

Compared without regard to case and, for words, to the digits and signs around them: who
is told to add some adds a year, or a `1!`.
"""

import unicodedata
from string import digits, punctuation
from typing import Final

AROUND: Final = f"{digits}{punctuation} "
"""What is put before and behind a word to make a password of it."""


def is_common(password: str) -> bool:
    """Return whether a password is one of those that are tried first."""
    folded = unicodedata.normalize("NFKC", password).casefold()
    word = folded.strip(AROUND)
    return bool({folded, word} & EXACTLY) or word in WORDS or _is_said_twice(word)


def _is_said_twice(word: str) -> bool:
    half, odd = divmod(len(word), 2)
    return not odd and word[:half] == word[half:] and word[:half] in WORDS


_EXACTLY: Final = r"""
!"#$%&/() !@#$%^&* !@#$%^&*() 00000000 000000000 0000000000 01011980 01011990 01012000
0123456789 10101010 11111111 111111111 1111111111 11223344 1122334455 112233445566
12121212 123123123 123321123 12341234 12344321 1234512345 123454321 1234554321
123456123456 12345678 123456789 1234567890 12345678910 123456789a 123456789q 1234abcd
1234qwer 123qwe123 123qweasd 123qweasdzxc 147258369 159753456 1q2w3e4r 1q2w3e4r5t
1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 20202020 22222222 31415926 33333333
44444444 4815162342 55555555 66666666 741852963 77777777 789456123 8675309x 87654321
88888888 963852741 987654321 9876543210 99999999 a12345678 a123456789 a1b2c3d4
a1s2d3f4 aa123456 aaaaaaaa aaaaaaaaa aaaaaaaaaa abc12345 abc123abc abcabcabc abcd1234
abcdef12 abcdefgh abcdefghi abcdefghij abcdefghijk adm1n123 admin@123 adminadmin
asd123asd asdasdasd asdf1234 asdfasdf asdfghjkl; blahblah lollollol love1234 ncc1701d
ncc1701e p455w0rd p4ssw0rd p@ssw0rd p@ssword pa$$w0rd pa$$word pass1234 pass@123
passpass passw0rd passw0rd1 q1w2e3r4 q1w2e3r4t5 qazwsx123 qazwsxedc qwe123456
qwe123qwe qweasdzxc qweqweqwe qwer1234 qwerqwer qwerty12 qwertz12 root1234 rootroot
rush2112 test1234 testtest thx1138x trustno1 user1234 useruser xsw21qaz zaq12wsx
zaq1zaq1 zxcv1234 zxczxczxc zzzzzzzz
"""

_WORDS: Final = """
abc abcd abcde abcdef abcdefg access acdc acmilan adgangskode admin administrador
administrateur administrator adminpass admins agent ahmed ahmedahmed alberto alejandro
alexander alexandra alexis allah always amanda america amore amoremio andrea andrew
android angel angela angelica angelina angels anthony antonio anything apollo apple
apples april arsenal asdf asdfg asdfgh asdfghj asdfghjk asdfghjkl asdfghjklö asdfjkl
asdzxc ashley asshole asteroid audiaudi august austin australia autumn avengers azerty
azertyui azertyuiop baby babyboy babygirl badboy badgirl bailey bambi banana bandit
barbara barcelona baseball basketball batman bayern bayernmunchen beatles beckham
bemvindo benjamin benvenuto berlin besiktas bestfriend bienvenido bienvenue bigboy
bigdaddy bigmac bismillah bitch blackblack blackie blessed blessing blink blueblue
bluesky bmwbmw bobmarley bond bonjour boston boxoffice brandon brasil broncos brother
bulldog bullshit buster butterfly california camaro canada candy captain
captainamerica carlos catherine catwoman celtic cent champion champions change.me
changeit changeme changethis charles charlie charmander cheese chelsea chelseafc
cherry chevrolet chevy chicago chocolate christ christian christina christine
christopher ciaociao cinnamon cloud coffee computer computers concert contrasena
contraseña contrasinal cookie cookies corvette cosmos cowboy cowboys crazy crazygirl
cricket cristiano crystal cupcake customer daddy dallascowboys daniel danielle darling
darthvader deadpool december default demo demonstration deutschland diamond diamonds
dmitri doggie doggy dollar dollars dolphin dolphins donald donaldduck dortmund dragon
dragonball dragonballz dragons drummer ducati dumbledore dummy dvorak eagle eagles
eduardo edward elizabeth elvis emerald emily eminem energy england enter enterprise
entrance espana ete event events everton everything example facebook faith falcon
family father fatima fcbarcelona february fenerbahce fernando ferrari flower flowers
football footballs fordford forever fortnite france francisco freedom friday friend
friends friendship frodo fruhling fuckyou gabriel gabriela gabrielle galatasaray
galaxy gandalf gangster garfield george ginger gladiator godisgood godzilla goku
gokugoku golden golfer golfgolf goodbye goofy google green greenday guest guests
guitar gustavo h4cker hacker hackers hallo hallowelt hamburger hannah harley
harleydavidson harrypotter haslo hawk heaven hello hellohello hellokitty helloworld
herbst hermione heslo hithere hobbit hockey hogwarts holahola honda honey honeybee
horse horses hulkhulk hunter hurricane ibrahim ichliebedich idiot ihateyou ilove
iloveme iloveu iloveyou iloveyouu india inshallah instagram intermilan internet iphone
ironmaiden ironman isabella israel italia jackpot jamesbond january jedi jediknight
jelszo jelszó jennifer jessica jesus jesuschrist jetaime joker jonathan jordan joshua
july june jupiter justin juventus katherine kawasaki kennwort keyboard kickass killer
killers king kingking kitten kitty kittycat knight knights kodeord lakers laptop laura
lauren ledzeppelin legolas leonardo letmein letmeinplease liberty lightning linkedin
linkinpark lion lions liverpool liverpoolfc lkjhgfdsa login logon london losenord
loser love lovely loveme lover lovers loveyou lozinka lucky lukeskywalker lösenord
madonna manchester mancity manunited manutd march maria mariana marie marina martin
martina master matrix matthew maximilian mazda meinpasswort melissa mercedes
mercedesbenz mercury messi metallica mexico michael michaeljordan michelle mickey
mickeymouse microsoft million millionaire minecraft minhasenha minnie miracle mnbvcxz
mohammed mommy monday money moneymoney monica monitor monkey monkeys moonlight morgan
motdepasse mother muhammad music musica mustafa mustang mylove mypass mypassword
mysecret namaste naruto natalia natasha nathan neoneo neptune network never
newpassword newyork neymar nicholas nicole nikita ninja ninjas nintendo nirvana nissan
nobody nopassword nothing november october oldpassword olivia onepiece onsale
opensesame openup orange organiser organizer packers pakistan pamela pancake panther
paris parola parole pass passcode passord passphrase password passwords passwort
patricia patrick patriots peanut pepper phoenix pikachu pineapple pinkfloyd pirate
pirates planet platinum playboy playstation pluto poiuytrewq pokemon pony porsche
power powerful predator prince princesa princess private pumpkin puppies puppy purple
qazwsx qazwsxedc queen qwe qweasd qweasdzxc qwerty qwertyqwerty qwertyu qwertyui
qwertyuio qwertyuiop qwertz qwertzu qwertzui qwertzuiop rachel rafael raiders rainbow
rambo ranger rangers realmadrid rebecca redred redskins redsox ricardo rich richard
robert roberto roblox rocket rocknroll rocky rodrigo ronaldo root rugby running russia
salaam salasana samantha sample samsung samurai sandra sarah sasuke saturday saturn
schalke scorpion sebastian secret secrets secure security senha senhas sephiroth
september sergey server sesame sexy shadow shark sifre signin silver simba sister
skywalker slipknot smokey snake sniper snoopy soccer softball soldier somebody someone
something sommer sophia sophie spacex spartan spider spiderman spring starlight
startrek starwars steelers stephanie stephen steve steven storm strawberry stupid
subaru success sugar summer summers sunday sunflower sunshine superman superstar
superuser suzuki svetlana sweetheart swimming sysadmin system tatiana taylor teamo
teamomucho temp tempo temporary temppass tennis tequiero tequila terminator test
tester testing testpass tests testuser texas theater theatre thepassword thomas
thunder thursday tiamo ticket ticketing tickets tiger tigers tigger toor topsecret
tornado toyota trinity trooper truelove trustnoone tuesday tupac turquoise twitter
tyler ukraine universe unknown usausa user username vader valentina vanessa vanilla
verano veronica victor victoria victory viking vincent vladimir volkswagen volleyball
wachtwoord warrior warriors wednesday welcome welcomes welcometo whatever whiskey
william willkommen windows winner winners winter winters wolverine word yamaha yankees
yellow yoda yourpassword youtube yxcvbnm zxcvbn zxcvbnm şifre йцукен пароль фывапролд
"""

EXACTLY: Final = frozenset(_EXACTLY.split())
"""Rows of keys, digits, and words in disguise."""

WORDS: Final = frozenset(_WORDS.split())
"""Words and names, whatever digits and signs stand around them."""
