"""Names as people in three languages have them, each with its Latin spelling for an e-mail address."""

from __future__ import annotations

from typing import Final

Name = tuple[str, str]
"""As it is written, and in Latin letters."""


def _plain(text: str) -> tuple[Name, ...]:
    return tuple((name, name) for name in text.split())


def _pairs(text: str) -> tuple[Name, ...]:
    words = text.split()
    return tuple(zip(words[::2], words[1::2], strict=True))


GIVEN: Final[dict[str, tuple[Name, ...]]] = {
    "en": _plain(
        "Alice Aaron Beatrice Caleb Charlotte Daniel Diana Edward Eleanor Frank Grace Hannah Henry Isabel"
        " Jack Joan Kevin Laura Leo Margaret Martin Naomi Nathan Olivia Oscar Paul Priscilla Rachel Robert"
        " Ruth Samuel Sarah Simon Theresa Thomas Victor Vivian Walter Wendy Zoe"
    ),
    "bn": _pairs(
        "অনন্যা Ananya অর্ণব Arnab আরিফ Arif ইশিতা Ishita কৌশিক Koushik গৌরী Gouri জয়া Jaya তানভীর Tanvir"
        " তৃষা Trisha দেবাশিস Debashis নাসরিন Nasrin নীলা Neela পল্লবী Pallabi ফারহানা Farhana মিতালী Mitali"
        " মাহমুদ Mahmud রফিক Rafiq রিয়া Riya শুভ Shubho সুদীপ Sudip সায়ন্তনী Sayantani হাসান Hasan"
    ),
    "hi": _pairs(
        "अनीता Anita अमित Amit आरव Aarav काव्या Kavya किरण Kiran गीता Geeta दीपक Deepak नेहा Neha पूजा Pooja"
        " प्रिया Priya मनोज Manoj मीरा Meera राहुल Rahul रोहन Rohan विक्रम Vikram शालिनी Shalini संजय Sanjay"
        " सुनीता Sunita सीमा Seema हरीश Harish"
    ),
}
FAMILY: Final[dict[str, tuple[Name, ...]]] = {
    "en": _plain(
        "Abbott Baker Bennett Brooks Carter Chambers Clarke Cooper Dawson Ellis Fisher Foster Gardner Gibson"
        " Harper Hughes Jordan Kelly Lambert Marsh Mason Murray Norris Palmer Parker Porter Reed Sawyer"
        " Shaw Spencer Sutton Turner Walsh Weaver Woods"
    ),
    "bn": _pairs(
        "আহমেদ Ahmed ইসলাম Islam কর Kar ঘোষ Ghosh চক্রবর্তী Chakraborty চৌধুরী Chowdhury দত্ত Dutta দাস Das"
        " বসু Basu ব্যানার্জি Banerjee মিত্র Mitra মুখার্জি Mukherjee রহমান Rahman রায় Roy সরকার Sarkar"
        " সেন Sen হক Haque হোসেন Hossain"
    ),
    "hi": _pairs(
        "अग्रवाल Agarwal कपूर Kapoor कुमार Kumar गुप्ता Gupta चौहान Chauhan जैन Jain जोशी Joshi त्रिपाठी Tripathi"
        " मेहता Mehta मिश्रा Mishra यादव Yadav वर्मा Verma शर्मा Sharma सक्सेना Saxena सिंह Singh"
    ),
}
