package kqi;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/** A press of a button, as far as the job needs it; the parser reads field by field, without a tree. */
record Press(boolean bySeller, long tsMs, String office, String panel, String employee, long holdMs, String answer) {

    private static final JsonFactory JSON = new JsonFactory();

    static Press parse(byte[] message) {
        boolean bySeller = false;
        long tsMs = 0;
        long holdMs = 0;
        String office = null;
        String panel = null;
        String employee = null;
        String answer = null;
        try (JsonParser parser = JSON.createParser(message)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                parser.nextToken();
                switch (field) {
                    case "type" -> bySeller = parser.getText().equals("seller_press");
                    case "ts" -> tsMs = parser.getLongValue();
                    case "office_id" -> office = parser.getText();
                    case "panel_id" -> panel = parser.getText();
                    case "employee_id" -> employee = parser.getText();
                    case "hold_ms" -> holdMs = parser.getLongValue();
                    case "answer" -> answer = parser.getText();
                    default -> parser.skipChildren();
                }
            }
        } catch (IOException broken) {
            throw new IllegalArgumentException(broken);
        }
        return new Press(bySeller, tsMs, office, panel, employee, holdMs, answer);
    }
}
