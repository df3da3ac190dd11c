"""Pages become Markdown and stray tags what they mean; code and talk of markup keep theirs."""

import pytest

from assets.cleaning.hypertext import hypertext
from assets.cleaning.text import clean_text

PAGE = (
    '<div class="markdown prose w-full"><p>Вот <strong>код</strong> с <code>List&lt;int&gt;</code>,'
    ' a &lt; b * c_d:</p><pre><div class="bg-black"><div class="flex"><span>python</span>'
    '<button><svg><path d="M1"></path></svg>Copy code</button></div><div class="p-4">'
    '<code class="!whitespace-pre hljs language-python"><span class="hljs-keyword">def</span> f(x):'
    "\n    <span>return</span> x &lt; 2\n</code></div></div></pre>"
    "<ol><li><p>Раз</p></li><li>Два</li></ol>"
    "<table><thead><tr><th>A</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table></div>"
)
MARKDOWN = """Вот **код** с `List<int>`, a < b * c_d:

```python
def f(x):
    return x < 2
```

1. Раз
2. Два

| A |
| --- |
| 1 |"""


def test_a_page_of_sharegpt_becomes_markdown():
    assert hypertext(PAGE) == MARKDOWN
    assert clean_text(PAGE) == MARKDOWN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>Привет!</p>", "Привет!"),
        ("раз<br>два<br />три", "раз\nдва\nтри"),
        ("это <b>важно</b> и <i>тонко</i>", "это **важно** и *тонко*"),
        ('<font color="red">да</font>, H<sub>2</sub>O', "да, H2O"),
        ("&laquo;Да&raquo; &amp; нет, 5 &lt; 6 &#1055;", "«Да» & нет, 5 < 6 П"),
        ("`<b>x</b>` и <b>y</b>", "`<b>x</b>` и **y**"),
    ],
)
def test_tags_and_entities_in_prose_become_what_they_mean(text, expected):
    assert hypertext(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Тип List<int>, a < b, a<b и b>c, Map<String, List<b>>",
        "#include <iostream>\nint main() { std::cout << a; }",
        "Конвертируй данный HTML-код: <code>a = 4</code>",
        "Какой тег жирный: <b>x</b>?",
        "```html\n<p>раз</p>\n```",
        "Впиши слово вместо <word> или <noinput>.",
        "`git checkout <file_name>`, потом <br>? <file>",
        '<img src="кот.jpg" alt="кот">',
        '<div class="f"><input type="text"></div>',
        "<tool_call>{}</tool_call>",
        "<think>думаю</think> Ответ",
        "Пишут &lt;b&gt; и &amp;lt;, AT&T, &copy",
        "см. https://e.ru/?a=1&amp;b=2",
        "<p><![сломано]</p>",
        "<div>" * 5_000 + "да" + "</div>" * 5_000,
    ],
    ids=lambda text: text[:40],
)
def test_code_and_talk_of_markup_stay(text):
    assert hypertext(text) == text
