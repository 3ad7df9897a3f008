"""The same Telegram for bots that speak MTProto: clients of the Pyrogram family and of Telethon, without a network.

A client that ``Simulator.adopt`` takes keeps its dispatcher, parsers, retries and handlers; what changes is where its session
sends its requests. Each request leaves it as TL bytes and is carried out on the state machine of the HTTP Bot API; each
answer and each update comes back as TL bytes, written with the schema of the client's own library. What the client may not do
here is refused loudly, never answered with a made-up success.

Encryption, salts, containers and acknowledgements, which lie below TL objects, are not simulated.
"""
