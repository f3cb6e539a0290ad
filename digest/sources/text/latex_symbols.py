"""Tables of TeX's commands and characters for latex.py."""
# ruff: noqa: RUF001, SIM905  the tables hold look-alike letters on purpose, and words are easier to read

import unicodedata

GREEK = {
    name: unicodedata.lookup(f"GREEK SMALL LETTER {letter}")
    for name, letter in [
        *((n, n.upper()) for n in ("alpha", "beta", "gamma", "delta", "zeta", "eta", "theta", "iota")),
        *((n, n.upper()) for n in ("kappa", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau")),
        *((n, n.upper()) for n in ("upsilon", "phi", "chi", "psi", "omega", "epsilon")),
        ("lambda", "LAMDA"), ("varepsilon", "EPSILON"), ("varphi", "PHI"), ("varrho", "RHO"),
        ("varsigma", "FINAL SIGMA"), ("vartheta", "THETA"), ("eps", "EPSILON"), ("varkappa", "KAPPA"),
    ]
}  # fmt: skip
GREEK |= {
    name.capitalize(): char.upper()
    for name, char in list(GREEK.items())
    if not name.startswith(("var", "eps"))
}
GREEK |= {"Epsilon": "Ε", "varpi": "ϖ", "digamma": "ϝ"}

_UPRIGHT = {f"{'up' if name.islower() else 'Up'}{name.lower()}": char for name, char in GREEK.items()}
SYMBOLS = GREEK | _UPRIGHT | {
    "times": "×", "cdot": "·", "pm": "±", "mp": "∓", "div": "÷", "ast": "*", "star": "⋆", "circ": "∘",
    "bullet": "•", "oplus": "⊕", "otimes": "⊗", "odot": "⊙", "wedge": "∧", "land": "∧", "vee": "∨",
    "lor": "∨",
    "cap": "∩", "cup": "∪", "setminus": "∖", "bigcup": "⋃", "bigcap": "⋂", "bigoplus": "⨁", "lnot": "¬",
    "le": "≤", "leq": "≤", "leqslant": "≤", "ge": "≥", "geq": "≥", "geqslant": "≥", "ll": "≪", "gg": "≫",
    "ne": "≠", "neq": "≠", "equiv": "≡", "approx": "≈", "sim": "∼", "simeq": "≃", "cong": "≅", "propto": "∝",
    "lesssim": "≲", "gtrsim": "≳", "prec": "≺", "succ": "≻", "preceq": "⪯", "succeq": "⪰", "triangleq": "≜",
    "in": "∈", "notin": "∉", "ni": "∋", "subset": "⊂", "subseteq": "⊆", "supset": "⊃", "supseteq": "⊇",
    "subsetneq": "⊊", "emptyset": "∅", "varnothing": "∅", "forall": "∀", "exists": "∃", "neg": "¬",
    "to": "→", "rightarrow": "→", "longrightarrow": "→", "leftarrow": "←", "gets": "←", "mapsto": "↦",
    "leftrightarrow": "↔", "Rightarrow": "⇒", "implies": "⇒", "Leftarrow": "⇐", "Leftrightarrow": "⇔",
    "iff": "⇔", "uparrow": "↑", "downarrow": "↓", "hookrightarrow": "↪", "rightharpoonup": "⇀",
    "circlearrowright": "↻", "rightleftharpoons": "⇌", "leadsto": "⇝",
    "textrightarrow": "→", "textleftarrow": "←",
    "sum": "∑", "prod": "∏", "coprod": "∐", "int": "∫", "iint": "∬", "oint": "∮", "partial": "∂",
    "nabla": "∇", "infty": "∞", "sqrt": "√", "surd": "√", "ell": "ℓ", "hbar": "ℏ", "Re": "ℜ", "Im": "ℑ",
    "aleph": "ℵ", "wp": "℘", "top": "⊤", "bot": "⊥", "perp": "⊥", "angle": "∠", "parallel": "∥", "mid": "|",
    "independent": "⊥", "vdash": "⊢", "models": "⊨", "square": "□", "Box": "□", "diamond": "⋄",
    "triangle": "△", "dagger": "†", "ddagger": "‡", "checkmark": "✓", "degree": "°", "textdegree": "°",
    "prime": "′", "ldots": "…", "dots": "…", "cdots": "⋯", "dotsc": "…", "vdots": "⋮", "textellipsis": "…",
    "langle": "⟨", "rangle": "⟩", "lceil": "⌈", "rceil": "⌉", "lfloor": "⌊", "rfloor": "⌋", "vert": "|",
    "lvert": "|", "rvert": "|", "Vert": "‖", "lVert": "‖", "rVert": "‖", "lbrace": "{", "rbrace": "}",
    "lbrack": "[", "rbrack": "]", "colon": ":", "backslash": "\\", "slash": "/", "textbackslash": "\\",
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "aa": "å",
    "AA": "Å",
    "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ", "ng": "ŋ",
    "NG": "Ŋ", "S": "§", "P": "¶", "copyright": "©", "pounds": "£", "texteuro": "€", "euro": "€",
    "textregistered": "®", "texttrademark": "™", "textmu": "μ", "textemdash": "—", "textendash": "–",
    "textgreater": ">", "textless": "<", "textbar": "|", "textasciitilde": "~", "textasciicircum": "^",
    "textunderscore": "_", "textdollar": "$", "textquotesingle": "'", "textquoteright": "’", "lq": "‘",
    "textquoteleft": "‘", "textquotedblleft": "“", "textquotedblright": "”", "rq": "’", "texttimes": "×",
    "textbullet": "•", "cdotp": "·", "textperiodcentered": "·", "gtr": ">", "lt": "<", "gt": ">",
    "TeX": "TeX", "LaTeX": "LaTeX", "ie": "i.e.", "eg": "e.g.", "etal": "et al.",
}  # fmt: skip

# Less usual symbols; those of AMS, text companion and physics packages.
SYMBOLS |= {
    "nin": "∉", "notni": "∌", "nsubseteq": "⊈", "nsubset": "⊄", "nsupseteq": "⊉", "nsupset": "⊅", "nleq": "≰",
    "ngeq": "≱", "nleqslant": "≰", "ngeqslant": "≱", "nless": "≮", "ngtr": "≯", "nmid": "∤", "nparallel": "∦",
    "nexists": "∄", "nsim": "≁", "ncong": "≇", "nequiv": "≢", "nprec": "⊀", "nsucc": "⊁", "nvdash": "⊬",
    "nvDash": "⊭", "nrightarrow": "↛", "nleftarrow": "↚", "nRightarrow": "⇏", "nLeftarrow": "⇍",
    "nleftrightarrow": "↮", "nLeftrightarrow": "⇎", "supsetneq": "⊋", "Subset": "⋐", "Supset": "⋑",
    "sqsubset": "⊏", "sqsupset": "⊐", "sqsubseteq": "⊑", "sqsupseteq": "⊒", "sqcap": "⊓", "sqcup": "⊔",
    "uplus": "⊎", "amalg": "⨿", "wr": "≀", "ominus": "⊖", "oslash": "⊘", "boxplus": "⊞", "boxtimes": "⊠",
    "boxdot": "⊡", "ltimes": "⋉", "rtimes": "⋊", "bowtie": "⋈", "Join": "⋈", "dotplus": "∔", "bigsqcup": "⨆",
    "bigvee": "⋁", "bigwedge": "⋀", "bigotimes": "⨂", "bigodot": "⨀", "biguplus": "⨄", "bigcirc": "◯",
    "lll": "⋘", "ggg": "⋙", "leqq": "≦", "geqq": "≧", "lessgtr": "≶", "gtrless": "≷", "lessapprox": "⪅",
    "gtrapprox": "⪆", "preccurlyeq": "≼", "succcurlyeq": "≽", "precsim": "≾", "succsim": "≿", "asymp": "≍",
    "approxeq": "≊", "doteq": "≐", "coloneqq": "≔", "coloneq": "≔", "defeq": "≝", "eqqcolon": "≕",
    "vDash": "⊨", "Vdash": "⊩", "dashv": "⊣", "therefore": "∴", "because": "∵", "complement": "∁",
    "smallsetminus": "∖", "sphericalangle": "∢", "measuredangle": "∡", "lozenge": "◊", "Diamond": "◇",
    "blacksquare": "■", "bigstar": "★", "blacktriangle": "▲", "triangledown": "▽", "bigtriangleup": "△",
    "bigtriangledown": "▽", "triangleleft": "◁", "triangleright": "▷", "lhd": "⊲", "rhd": "⊳", "unlhd": "⊴",
    "unrhd": "⊵", "clubsuit": "♣", "diamondsuit": "♢", "heartsuit": "♡", "spadesuit": "♠", "flat": "♭",
    "natural": "♮", "sharp": "♯", "beth": "ℶ", "gimel": "ℷ", "daleth": "ℸ", "eth": "ð", "mho": "℧",
    "hslash": "ℏ", "imath": "ı", "jmath": "ȷ", "iiint": "∭", "oiint": "∯", "longleftarrow": "⟵",
    "Longrightarrow": "⟹", "Longleftarrow": "⟸", "longleftrightarrow": "⟷", "Longleftrightarrow": "⟺",
    "impliedby": "⟸", "longmapsto": "⟼", "hookleftarrow": "↩", "twoheadrightarrow": "↠", "nearrow": "↗",
    "searrow": "↘", "swarrow": "↙", "nwarrow": "↖", "Uparrow": "⇑", "Downarrow": "⇓", "updownarrow": "↕",
    "Updownarrow": "⇕", "rightharpoondown": "⇁", "leftharpoonup": "↼", "leftharpoondown": "↽",
    "leftrightharpoons": "⇋", "rightrightarrows": "⇉", "leftleftarrows": "⇇", "leftrightarrows": "⇆",
    "rightleftarrows": "⇄", "rightsquigarrow": "⇝", "leftrightsquigarrow": "↭", "circlearrowleft": "↺",
    "curvearrowright": "↷", "curvearrowleft": "↶", "rightarrowtail": "↣", "multimap": "⊸", "upuparrows": "⇈",
    "dotsb": "⋯", "dotsi": "⋯", "dotsm": "⋯", "dotso": "…", "ddots": "⋱", "lgroup": "(", "rgroup": ")",
    "ulcorner": "⌜", "urcorner": "⌝", "llcorner": "⌞", "lrcorner": "⌟", "llbracket": "⟦", "rrbracket": "⟧",
    "bmod": " mod ", "ohorn": "ơ", "OHORN": "Ơ", "uhorn": "ư", "UHORN": "Ư", "SS": "ẞ", "ij": "ĳ", "IJ": "Ĳ",
    "hexstar": "✶", "guillemotleft": "«", "guillemotright": "»", "guilsinglleft": "‹", "guilsinglright": "›",
    "glqq": "„", "grqq": "“", "quotedblbase": "„", "quotesinglbase": "‚", "textquotedbl": '"',
    "textexclamdown": "¡", "textquestiondown": "¿", "textordfeminine": "ª", "textordmasculine": "º",
    "textonehalf": "½", "textonequarter": "¼", "textthreequarters": "¾", "textonesuperior": "¹",
    "texttwosuperior": "²", "textthreesuperior": "³", "textpm": "±", "textdiv": "÷", "textlnot": "¬",
    "textsection": "§", "textparagraph": "¶", "textdagger": "†", "textdaggerdbl": "‡", "textcent": "¢",
    "textsterling": "£", "textyen": "¥", "textwon": "₩", "textcopyright": "©", "textnumero": "№",
    "textperthousand": "‰", "permil": "‰", "textcelsius": "℃", "celsius": "°C", "percent": "%",
    "textohm": "Ω", "textbraceleft": "{", "textbraceright": "}", "textuparrow": "↑", "textdownarrow": "↓",
    "textasteriskcentered": "*", "textbardbl": "‖", "textmusicalnote": "♪", "male": "♂", "female": "♀",
    "textbigcircle": "◯", "textopenbullet": "◦", "textleftrightarrow": "↔", "Earth": "⊕", "Sun": "☉",
    "odotsun": "☉", "textdollaroldstyle": "$", "hyp": "-", "textasciimacron": "¯", "textbackslash": "\\",
}  # fmt: skip
NEGATED = {"|": "∤", "∣": "∤", "‖": "∦"}  # the other signs are composed with a stroke by Unicode

# Spacing, sizes and font switches, which print nothing themselves.
SILENT_COMMANDS = frozenset(
    "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr mleft mright limits "
    "nolimits displaystyle textstyle scriptstyle rm bf it em sl sf tt sc cal tiny small footnotesize "
    "scriptsize normalsize large Large LARGE huge Huge bfseries itshape scshape ttfamily rmfamily upshape "
    "slshape sffamily mdseries noindent par smallskip medskip bigskip protect ensuremath allowbreak "
    "nobreak linebreak newline smash phantom hfill centering xspace relax boldmath unboldmath nonumber "
    "label vspace hspace item maketitle sloppy selectfont strut null leavevmode unskip ignorespaces "
    "bgroup egroup begingroup endgroup scriptscriptstyle nobreakdash displaylimits".split()
)  # fmt: skip
SPACE_COMMANDS = frozenset(
    "quad qquad thinspace enspace space newline par item linebreak medspace thickspace".split()
)  # fmt: skip

# Commands that only style their argument, which is printed unchanged.
STYLE_COMMANDS = frozenset(
    "emph textbf textit textrm textsf textsc texttt textsl textup textmd textnormal text mbox hbox fbox "
    "mathrm mathbf mathit mathsf mathtt mathcal mathscr mathfrak mathnormal boldsymbol bm pmb operatorname "
    "underline uline uwave uppercase lowercase mathop mathbin mathrel textsuperscript textsubscript "
    "ensuremath underbrace overbrace mathds boxed url path mathstrut sout em bf it rm substack mathclap "
    "mathrlap mathllap cancel bcancel xcancel mathpzc mathbbold mathord mathopen mathclose mathpunct "
    "mathinner MakeUppercase MakeLowercase MakeTextUppercase textls ul hl uuline dashuline "
    "overparen underparen symbf symit symup symcal mathbfit bold vb va vu num si unit ac acs acl acp gls "
    "varvec Gls acrshort acrlong acrfull textgreek textcyr".split()
)  # fmt: skip

ACCENTS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "v": "\u030c", "u": "\u0306", "H": "\u030b", "c": "\u0327", "k": "\u0328", "r": "\u030a", "d": "\u0323",
    "b": "\u0331", "t": "\u0361", "h": "\u0309",
    "textcommabelow": "\u0326", "textcedilla": "\u0327", "textogonek": "\u0328", "textacute": "\u0301",
    "textgrave": "\u0300", "textcircumflex": "\u0302", "textdiaeresis": "\u0308", "textcaron": "\u030c",
    "textbreve": "\u0306", "textmacron": "\u0304", "texttilde": "\u0303", "textring": "\u030a",
    "textdotbelow": "\u0323", "textdotaccent": "\u0307", "textdoubleacute": "\u030b",
    "texthungarumlaut": "\u030b", "textpolhook": "\u0328", "capitaldieresis": "\u0308",
}  # fmt: skip
ACCENTS |= {name.replace("text", "capital"): accent for name, accent in ACCENTS.items() if "text" in name}
MATH_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "what": "\u0302", "tilde": "\u0303", "widetilde": "\u0303",
    "wt": "\u0303", "Tilde": "\u0303", "bar": "\u0304", "overline": "\u0304", "vec": "\u20d7",
    "dot": "\u0307", "ddot": "\u0308", "dddot": "\u20db", "check": "\u030c", "breve": "\u0306",
    "acute": "\u0301", "grave": "\u0300", "mathring": "\u030a", "widecheck": "\u030c", "widebar": "\u0304",
    "overbar": "\u0304", "overrightarrow": "\u20d7", "overleftarrow": "\u20d6", "ddddot": "\u20dc",
    "slashed": "\u0338", "underbar": "\u0331", "undertilde": "\u0330", "utilde": "\u0330",
}  # fmt: skip

_SUPER = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᶿᵠᵡ"
_SUPER_BASE = "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWβγδθφχ"
_SUB = "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ"
_SUB_BASE = "0123456789+-=()aehijklmnoprstuvxβγρφχ"
SUPERSCRIPTS = dict(zip(_SUPER_BASE, _SUPER, strict=True)) | {
    "∗": "*", "*": "*", "⋆": "*", "∘": "°", "′": "′", "†": "†", ".": ".", "−": "⁻",
}  # fmt: skip
SUBSCRIPTS = dict(zip(_SUB_BASE, _SUB, strict=True)) | {".": ".", "−": "₋"}
BLACKBOARD = (
    dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True))
    | {char: chr(0x1D538 + ord(char) - ord("A")) for char in "ABDEFGIJKLMOSTUVWXY"}
    | {"1": "𝟙"}
)
