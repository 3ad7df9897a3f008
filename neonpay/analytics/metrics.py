"""What each figure says, in the words that stand under its chart and in docs/reference/metrics.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure.

    Attributes:
        id: stable; what pages and exports call it.
        unit: ``stars``, ``count``, ``share``, ``seconds`` or ``usd``.
        verb: the verb of ``neonpay.reports`` that gives it.
        english, russian: its definition, whole sentences.
    """

    id: str
    unit: str
    verb: str
    english: str
    russian: str

    def said(self, language: str) -> str:
        """The definition in a language; English where there is no other."""
        return self.russian if language == "ru" else self.english


_ALL: Final = (
    Metric(
        id="gross",
        unit="stars",
        verb="revenue",
        english="Stars of all payments, whatever has become of them, by the time of payment.",
        russian="Звёзды всех платежей, что бы с ними ни стало потом, по времени оплаты.",
    ),
    Metric(
        id="net",
        unit="stars",
        verb="revenue",
        english="Stars paid less what was refunded of these very payments, by the time of payment. A late refund "
        "lowers the day of its payment.",
        russian="Оплаченные звёзды минус возвращённые по этим же платежам, по времени оплаты. Поздний возврат "
        "уменьшает день своего платежа.",
    ),
    Metric(
        id="refunded",
        unit="stars",
        verb="revenue",
        english="Stars that went back to buyers, by the time of the refund, whenever they had been paid.",
        russian="Звёзды, вернувшиеся покупателям, по времени возврата, когда бы они ни были оплачены.",
    ),
    Metric(
        id="refund_rate",
        unit="share",
        verb="revenue",
        english="The share of the payments of the period that has been refunded since. It rises while refunds come in.",
        russian="Доля платежей периода, возвращённых к этому дню. Она растёт, пока приходят возвраты.",
    ),
    Metric(
        id="orders",
        unit="count",
        verb="orders",
        english="Payments in Stars, renewals of subscriptions among them, by the time of payment.",
        russian="Платежи в звёздах, включая продления подписок, по времени оплаты.",
    ),
    Metric(
        id="average_order",
        unit="stars",
        verb="orders",
        english="Gross Stars over orders.",
        russian="Все оплаченные звёзды, делённые на число заказов.",
    ),
    Metric(
        id="median_order",
        unit="stars",
        verb="orders",
        english="Half of the orders are worth less than this, half more; of two in the middle it is the mean.",
        russian="Половина заказов дешевле этой суммы, половина дороже; если посередине два заказа, берётся их среднее.",
    ),
    Metric(
        id="customers",
        unit="count",
        verb="customers",
        english="People who have paid in the period, each once, whichever bots they paid.",
        russian="Люди, заплатившие за период; каждый считается один раз, скольким бы ботам он ни платил.",
    ),
    Metric(
        id="new_customers",
        unit="count",
        verb="customers",
        english="People whose first payment to these bots is in the period.",
        russian="Люди, чей первый платёж этим ботам пришёлся на период.",
    ),
    Metric(
        id="arpu",
        unit="stars",
        verb="customers",
        english="Net of the period over all people who were seen until its end.",
        russian="Чистая выручка периода на каждого, кого бот видел до его конца.",
    ),
    Metric(
        id="arppu",
        unit="stars",
        verb="customers",
        english="Net of the period over the people who paid in it.",
        russian="Чистая выручка периода на каждого, кто за него заплатил.",
    ),
    Metric(
        id="conversion",
        unit="share",
        verb="customers",
        english="Of the people first seen in the period, the share that has paid before its end. Who was seen is "
        "known from what the bot's updates told.",
        russian="Доля заплативших до конца периода среди тех, кого бот увидел за него впервые. Кого бот видел, "
        "известно из его обновлений.",
    ),
    Metric(
        id="cohorts",
        unit="stars",
        verb="customers",
        english="People by the month of their first payment, and what they paid in each thirty days since, less "
        "refunds. Columns that not everybody in a row has lived through are marked as incomplete.",
        russian="Люди по месяцу первого платежа и то, что они заплатили за каждые тридцать дней с него, минус "
        "возвраты. Столбцы, до конца которых дошли не все люди строки, отмечены как неполные.",
    ),
    Metric(
        id="ltv",
        unit="stars",
        verb="customers",
        english="Realised: net over all time until the end of the period, for each person who has ever paid. Nothing "
        "is predicted.",
        russian="Фактическая: чистая выручка за всё время до конца периода на каждого, кто хоть раз платил. Ничего не"
        " предсказывается.",
    ),
    Metric(
        id="funnel",
        unit="count",
        verb="funnel",
        english="Invoices written and checkouts answered, by their own time; orders without renewals, and those "
        "delivered, by the time of payment. Views are the looks that the bot tells of; without them there is no such step.",
        russian="Выписанные счета и проверки перед оплатой по их времени; заказы без продлений и выданные из них по "
        "времени оплаты. Просмотры — те, о которых сообщает бот; без них этого шага нет.",
    ),
    Metric(
        id="declines",
        unit="count",
        verb="funnel",
        english="Checkouts that were declined, by reason. No Stars moved.",
        russian="Отклонённые проверки перед оплатой, по причинам. Звёзды не списывались.",
    ),
    Metric(
        id="abandonment",
        unit="share",
        verb="funnel",
        english="Of the invoices of the period that are at least a day old, the share that nobody has paid.",
        russian="Доля счетов, которые никто не оплатил, среди счетов периода старше суток.",
    ),
    Metric(
        id="products",
        unit="stars",
        verb="products",
        english="Net, orders and refunds by what was sold, by the time of payment; invoices and declines by their own"
        " time.",
        russian="Чистая выручка, заказы и возвраты по товарам, по времени оплаты; счета и отказы по их времени.",
    ),
    Metric(
        id="time_to_deliver",
        unit="seconds",
        verb="delivery_times",
        english="From the payment, whose time Telegram gives in whole seconds, to the end of the last handler: so "
        "long at most for 50, 95 and 99 of a hundred deliveries. Rounded down to two digits.",
        russian="От оплаты, время которой Telegram сообщает с точностью до секунды, до конца последнего обработчика: "
        "не дольше у 50, 95 и 99 выдач из ста. Округлено вниз до двух цифр.",
    ),
    Metric(
        id="attention",
        unit="count",
        verb="attention",
        english="What waits for a person now: payments to decide about, deliveries that have failed for the last time"
        " or that no program takes, requests for refunds, payments that Telegram's list does not have.",
        russian="Что сейчас ждёт человека: платежи, о которых надо решить, выдачи, не удавшиеся окончательно или "
        "никем не взятые, просьбы о возврате и платежи, которых нет в списке Telegram.",
    ),
    Metric(
        id="active_subscriptions",
        unit="count",
        verb="subscriptions",
        english="Paid periods in force at that moment, one for each buyer, bot and product. A cancelled one is active"
        " until its period ends; a refunded one ends with the refund.",
        russian="Оплаченные периоды, действующие в этот момент: один на покупателя, бота и товар. Отменённая подписка"
        " действует до конца оплаченного периода, возвращённая кончается с возвратом.",
    ),
    Metric(
        id="mrr",
        unit="stars",
        verb="subscriptions",
        english="Stars that the active subscriptions pay in thirty days, which is the only period that Telegram "
        "sells. One-off payments are left out.",
        russian="Звёзды, которые действующие подписки приносят за тридцать дней: других периодов Telegram не продаёт."
        " Разовые платежи не входят.",
    ),
    Metric(
        id="mrr_movement",
        unit="stars",
        verb="subscriptions",
        english="Each subscriber's MRR at the end of a bucket beside that at its beginning: new, returned, expansion,"
        " contraction and churn add up to the change.",
        russian="MRR каждого подписчика в конце отрезка рядом с MRR в начале: новые, вернувшиеся, рост, снижение и "
        "отток вместе дают всё изменение.",
    ),
    Metric(
        id="churn",
        unit="share",
        verb="subscriptions",
        english="Subscribers at the beginning of a bucket who have nothing at its end. Voluntary: the buyer or the "
        "program has cancelled. Involuntary: the buyer had not enough Stars. Untold: Telegram did not say, or"
        " the Stars went back.",
        russian="Подписчики начала отрезка, у которых в его конце ничего нет. Добровольный отток: отменил покупатель "
        "или программа. Вынужденный: у покупателя не хватило звёзд. Без причины: Telegram её не сообщил или "
        "звёзды вернулись.",
    ),
    Metric(
        id="auto_renew_share",
        unit="share",
        verb="subscriptions",
        english="The share of active subscriptions that nobody has cancelled and whose last renewal has not failed.",
        russian="Доля действующих подписок, которые никто не отменил и последнее продление которых не сорвалось.",
    ),
    Metric(
        id="renewal_forecast",
        unit="stars",
        verb="subscriptions",
        english="What is to renew on each of the next thirty days, unless it is cancelled. Whether the buyers will "
        "have the Stars nobody knows.",
        russian="Что должно продлиться в каждый из следующих тридцати дней, если не отменят. Хватит ли у покупателей "
        "звёзд, не знает никто.",
    ),
    Metric(
        id="balance",
        unit="stars",
        verb="account",
        english="What Telegram holds for the bots, as the books say: everything that was booked, over all time. "
        "Beside it what Telegram said when it was last asked, and when.",
        russian="Сколько Telegram хранит для ботов, по журналу: всё, что записано за всё время. Рядом то, что ответил"
        " сам Telegram, и когда.",
    ),
    Metric(
        id="held",
        unit="stars",
        verb="account",
        english="Net of what was paid in the last 21 days, which Telegram may hold back; withdrawable is the rest of "
        "the balance. Telegram pays out 1,000 Stars and more.",
        russian="Чистая выручка последних 21 дня, которую Telegram может придержать; вывести можно остальной баланс. "
        "Telegram выплачивает от 1000 звёзд.",
    ),
    Metric(
        id="gap",
        unit="stars",
        verb="account",
        english="Stars of payments that the ledger has and Telegram's list of transactions does not have, or has not "
        "shown yet.",
        russian="Звёзды платежей, которые есть в журнале, но которых в списке операций Telegram нет или ещё не видно.",
    ),
    Metric(
        id="findings",
        unit="count",
        verb="findings",
        english="Products whose checkouts are all declined (three or more), or more than a fifth (ten or more); links "
        "that twenty "
        "people or more have paid; people with three refunds or more.",
        russian="Товары, у которых отклонены все проверки (от трёх) или больше пятой части (от десяти); ссылки, по которым "
        "заплатили двадцать человек и больше; люди с тремя возвратами и больше.",
    ),
    Metric(
        id="proceeds",
        unit="usd",
        verb="proceeds",
        english="Net times the reward for a Star that Telegram publishes, by the day of payment. An estimate: "
        "Telegram pays by the "
        "rate of the day of the payout.",
        russian="Чистая выручка, умноженная на вознаграждение за звезду, которое публикует Telegram, по дню оплаты. "
        "Это оценка: "
        "Telegram платит по курсу дня выплаты.",
    ),
    Metric(
        id="spending",
        unit="stars",
        verb="account",
        english="What moved Stars beside sales: withdrawals, gifts, ads, paid broadcasts, commissions, by the time at"
        " which the comparison with Telegram has found it.",
        russian="Что двигало звёзды помимо продаж: вывод, подарки, реклама, платные рассылки, комиссии, по времени, "
        "когда их нашла сверка с Telegram.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to say of a finding; ``{count}``, ``{subject}`` and ``{stars}`` stand for what it has.

    Attributes:
        id: that of the finding.
        english, russian: what was found, and what there is to do about it.
    """

    id: str
    english: str
    russian: str

    def said(self, language: str) -> str:
        """The words in a language; English where there is no other."""
        return self.russian if language == "ru" else self.english


ADVICE: Final[Mapping[str, Advice]] = MappingProxyType(
    {
        advice.id: advice
        for advice in (
            Advice(
                id="unsellable",
                english="Nobody can buy “{subject}”: every checkout was declined, {count} in all. Look at the "
                "reasons, put it on sale "
                "again, or stop offering it.",
                russian="Никто не может купить «{subject}»: отклонены все проверки перед оплатой, всего {count}. "
                "Посмотрите причины, "
                "верните товар в продажу или перестаньте его предлагать.",
            ),
            Advice(
                id="many_declines",
                english="Many checkouts of “{subject}” are declined, {count} in this period. The reasons say whether "
                "invoices are too old, "
                "stock is out, or a limit is too tight.",
                russian="У «{subject}» много отклонённых проверок: {count} за период. Причины покажут, устарели ли счета, "
                "кончился ли товар или слишком строг лимит.",
            ),
            Advice(
                id="shared_link",
                english="One link was paid by {count} people, invoice {subject}. If it was meant for one, make it for "
                "that user "
                "(user_id) or give its product max_payments.",
                russian="По одной ссылке заплатили несколько человек, всего {count}; счёт {subject}. Если она была для "
                "одного, укажите при создании user_id или задайте товару max_payments.",
            ),
            Advice(
                id="refund_abuser",
                english="User {subject} got {count} refunds in this period, {stars} Stars. Limit refunds in the "
                "security settings, or "
                "block this user.",
                russian="Пользователь {subject}: возвратов за период {count}, звёзд {stars}. Ограничьте возвраты в настройках "
                "безопасности или заблокируйте его.",
            ),
            Advice(
                id="many_refunds",
                english="Many payments of “{subject}” in this period went back, {count} so far. Compare what its "
                "description promises with what is delivered.",
                russian="У «{subject}» много возвратов: {count} из платежей за период. Сравните, что обещает описание и что "
                "выдаётся.",
            ),
        )
    }
)
"""What to say of each kind of finding."""

METRICS: Final[Mapping[str, Metric]] = MappingProxyType({metric.id: metric for metric in _ALL})
"""Every figure by its id."""
