"""The catalogues: by language, the English text of the templates → how that language says it.

English is the key, so a text that nobody has translated yet appears in English and never as a code.
Places such as `{count}` stay in every language; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_BN: Final = {
    "Skip to content": "মূল অংশে যান",
    "Console": "কনসোল",
    "Overview": "সারসংক্ষেপ",
    "People": "মানুষ",
    "Members": "সদস্য",
    "Program": "প্রোগ্রাম",
    "Definition": "সংজ্ঞা",
    "Books": "খাতা",
    "Transactions": "লেনদেন",
    "Quarantine": "আলাদা রাখা",
    "Audit trail": "কাজের বিবরণী",
    "House": "ঘর",
    "Backtests": "অতীতে যাচাই",
    "Webhooks": "ওয়েবহুক",
    "Order hooks": "অর্ডারের দরজা",
    "Jobs": "নিয়মিত কাজ",
    "Keys": "চাবি",
    "Staff": "কর্মী",
    "Sign in": "প্রবেশ করুন",
    "Sign out": "বেরিয়ে যান",
    "Password": "পাসওয়ার্ড",
    "E-mail": "ই-মেইল",
    "Organisation": "প্রতিষ্ঠান",
    "Language": "ভাষা",
    "Theme": "রং",
    "As the system": "সিস্টেমের মতো",
    "Light": "আলো",
    "Dark": "আঁধার",
    "Your account": "আপনার অ্যাকাউন্ট",
    "Find a member": "সদস্য খুঁজুন",
    "Version {version}, live": "সংস্করণ {version}, চালু",
    "For the people who run a program.": "যাঁরা প্রোগ্রাম চালান, তাঁদের জন্য।",
    "The first owner's password was printed when the server started.": (
        "প্রথম মালিকের পাসওয়ার্ড সার্ভার চালু হওয়ার সময় ছাপা হয়েছিল।"
    ),
    "This e-mail and password do not belong together. Nothing was changed.": (
        "এই ই-মেইল আর পাসওয়ার্ড মেলে না। কিছুই বদলায়নি।"
    ),
    "You are signed out.": "আপনি বেরিয়ে গেছেন।",
    "owner": "মালিক",
    "manager": "ব্যবস্থাপক",
    "support": "সহায়তা",
    "auditor": "নিরীক্ষক",
}
_HI: Final = {
    "Skip to content": "मुख्य भाग पर जाएँ",
    "Console": "कंसोल",
    "Overview": "सार",
    "People": "लोग",
    "Members": "सदस्य",
    "Program": "प्रोग्राम",
    "Definition": "परिभाषा",
    "Books": "बही",
    "Transactions": "लेन-देन",
    "Quarantine": "अलग रखे गए",
    "Audit trail": "कामों का ब्योरा",
    "House": "घर",
    "Backtests": "बीते ऑर्डरों पर जाँच",
    "Webhooks": "वेबहुक",
    "Order hooks": "ऑर्डर के द्वार",
    "Jobs": "नियमित काम",
    "Keys": "कुंजियाँ",
    "Staff": "कर्मचारी",
    "Sign in": "प्रवेश करें",
    "Sign out": "बाहर जाएँ",
    "Password": "पासवर्ड",
    "E-mail": "ई-मेल",
    "Organisation": "संस्था",
    "Language": "भाषा",
    "Theme": "रंग",
    "As the system": "सिस्टम जैसा",
    "Light": "उजला",
    "Dark": "गहरा",
    "Your account": "आपका खाता",
    "Find a member": "सदस्य खोजें",
    "Version {version}, live": "संस्करण {version}, चालू",
    "For the people who run a program.": "उनके लिए जो प्रोग्राम चलाते हैं।",
    "The first owner's password was printed when the server started.": (
        "पहले मालिक का पासवर्ड सर्वर शुरू होते समय छापा गया था।"
    ),
    "This e-mail and password do not belong together. Nothing was changed.": (
        "यह ई-मेल और पासवर्ड मेल नहीं खाते। कुछ भी नहीं बदला।"
    ),
    "You are signed out.": "आप बाहर आ गए हैं।",
    "owner": "मालिक",
    "manager": "प्रबंधक",
    "support": "सहायता",
    "auditor": "लेखा-परीक्षक",
}
CATALOGUES: Final[Mapping[str, Mapping[str, str]]] = {"en": {}, "bn": _BN, "hi": _HI}
